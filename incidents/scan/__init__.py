"""Finding the incident where no ID is known: one pass for the signs, then only what stands around them.

The first pass sees REPORT lines and refusals only, so that it can go through a day of logs as fast as a text
search. What it finds is read like ``guard trace`` reads it, and judged by the same rules.
"""
