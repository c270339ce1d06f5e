"""A strict fake of CloudWatch Logs over HTTP on loopback, for boto3's ``endpoint_url``.

It refuses what the service is documented to refuse: parameters outside of botocore's own model, tokens of
another read, queries that it does not know every word of. It answers in pages that may be empty, orders ties
of a query at random, gives partial results while a query runs, and can be told to throttle, fail or hang.

>>> from tests.cloudwatch_logs.store import Store
>>> from tests.cloudwatch_logs.server import serving
>>> with serving(Store()) as fake:
...     fake.url.startswith("http://127.0.0.1:")
True
"""
