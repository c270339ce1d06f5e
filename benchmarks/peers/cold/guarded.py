"""A handler with coaching-guard."""

from guards import bind, guard_handler, phase


@guard_handler
def handler(event, context):
    """Answer."""
    bind(session_id="sess_1")
    with phase("conversation"):
        return {"statusCode": 200}
