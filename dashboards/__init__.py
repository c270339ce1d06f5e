"""Dashboards made from the catalog of alarms: `dashboards.body` as data, `dashboards.constructs` for CDK."""
