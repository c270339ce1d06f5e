"""Live CloudWatch Logs as a source: a plan first, then the search, then only the events around the hits.

Insights scans and tells streams and times; the events themselves come from FilterLogEvents, which has their
order among ties and their eventIds. Needs the extra ``aws``; boto3 is imported when a client is made.
"""
