"""What works of live logs and alarms and what is missing, each with its fix. Nothing is changed.

A check is a function that gives what it found; a service that does not answer is a finding, not an error.
"""
