"""The alarms of a coaching API: `alarms.catalog` as data, `alarms.constructs` for CDK."""
