"""A CDK app of one's own, with two stages in one stack: cdk deploy --app "python app.py"."""

from __future__ import annotations

# Before aws_cdk, so that the Node that comes with coaching-guard[cdk] is found.
from alarms.constructs import CoachingAlarms
from alarms.inputs import FunctionInput, HttpApi, ServiceInput
from dashboards.constructs import CoachingDashboard

# isort: split
from aws_cdk import App, Stack

DEV = ServiceInput(
    FunctionInput("coaching-api-4b4d001", timeout_s=300),
    HttpApi("abc123"),
    region="us-east-1",
)
PROD = ServiceInput(
    FunctionInput("coaching-api-prod", timeout_s=300),
    HttpApi("def456", access_log_group="/aws/apigateway/coaching-prod"),
    middleware=True,
    region="us-east-1",
)

app = App()
stack = Stack(app, "coaching-alarms")
alarms = CoachingAlarms(stack, "Alarms", services=[DEV, PROD], email="oncall@example.com")
CoachingDashboard(stack, "Dashboard", made=alarms.catalog)
app.synth()
