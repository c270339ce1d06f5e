"""A handler with nothing in it."""


def handler(event, context):
    """Answer."""
    return {"statusCode": 200}
