"""Logs in, explained incident out: sources, events, requests, timeline, findings, report, views."""
