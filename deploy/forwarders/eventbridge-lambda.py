"""Okta log streaming to AWS EventBridge, from there to Kafka: a function for a rule on the partner bus.

Rule pattern: {"source": [{"prefix": "aws.partner/okta.com"}], "detail-type": ["SystemLog"]}
Envelope: EventBridge's own, unchanged: {"detail-type": "SystemLog", "detail": {event}, ...}
Needs the package kafka-python-ng in the function's layer, and the variable KAFKA_BROKERS.
"""

import json
import os

from kafka import KafkaProducer

producer = KafkaProducer(
    bootstrap_servers=os.environ["KAFKA_BROKERS"].split(","),
    security_protocol=os.environ.get("KAFKA_SECURITY_PROTOCOL", "SSL"),
    acks="all",
    value_serializer=lambda value: json.dumps(value).encode(),
)


def handler(event, _context):
    """Returns only once the brokers have the event, so that EventBridge tries again otherwise."""
    producer.send(os.environ.get("KAFKA_TOPIC", "okta-events"), event).get(timeout=20)
