"""A handler with Powertools for AWS Lambda."""

from aws_lambda_powertools import Logger, Metrics, Tracer

logger = Logger(service="coaching-api")
tracer = Tracer(service="coaching-api")
metrics = Metrics(namespace="CoachingGuard", service="coaching-api")


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@metrics.log_metrics
def handler(event, context):
    """Answer."""
    with tracer.provider.in_subsegment("conversation"):
        return {"statusCode": 200}
