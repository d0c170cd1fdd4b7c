"""Which events does each story consist of?

Run: python tests/cases/make.py          writes every events.jsonl anew
     python tests/cases/make.py --check  fails if that would change one

The stories are told in attacks.py, twins.py and the like. What must alert stands in the folder's expected.jsonl, and why
in its README.md; both are kept by hand.
"""

import json
import sys
from datetime import datetime
from pathlib import Path

import attacks
import entities
import machines
import principals
import storms
import twins
from okta_log import Story

FOLDER = Path(__file__).resolve().parent


def raw(events):
    """One event a record, as it is."""
    return events


def splunk(events):
    """As the Splunk add-on and Okta's stream to Splunk send them."""
    return [
        {
            "time": datetime.fromisoformat(event["published"]).timestamp(),
            "host": "acme.okta.com",
            "source": "okta:im2",
            "sourcetype": "OktaIM2:log",
            "index": "okta",
            "event": event,
        }
        for event in events
    ]


def eventbridge(events):
    """As Okta's log streaming to AWS sends them."""
    return [
        {
            "version": "0",
            "id": f"delivery-{number}",
            "detail-type": "SystemLog",
            "source": "aws.partner/okta.com/acme/log",
            "account": "000000000000",
            "time": event["published"],
            "region": "eu-west-1",
            "resources": [],
            "detail": event,
        }
        for number, event in enumerate(events)
    ]


def pages(events):
    """As a collector that forwards whole pages of the API: three events in one record."""
    return [events[first : first + 3] for first in range(0, len(events), 3)]


def logstash(events):
    """As Logstash or a Beat sends them: the event's text in one field."""
    return [
        {"@timestamp": event["published"], "@version": "1", "message": json.dumps(event)} for event in events
    ]


STORIES = {
    attacks.support_breach: raw,
    twins.support_reset_benign: splunk,
    attacks.smishing_relay: eventbridge,
    twins.customer_visit: raw,
    attacks.tenant_takeover: logstash,
    attacks.stolen_session: raw,
    twins.vpn_flip: raw,
    attacks.push_bombing: pages,
    twins.push_declined_twice: raw,
    attacks.password_spray: splunk,
    twins.office_monday: raw,
    twins.named_site: raw,
    attacks.password_guessing: raw,
    twins.stale_password: pages,
    attacks.impossible_travel: raw,
    attacks.fastpass_phishing: eventbridge,
    attacks.log_stream: raw,
    twins.import_burst: pages,
    twins.sso_backchannel: raw,
    attacks.password_as_username: raw,
    attacks.token_abuse: raw,
    twins.commuter: raw,
    attacks.commuter_robbed: splunk,
    twins.phone_abroad: raw,
    attacks.phone_pretender: raw,
    attacks.backchannel_taken: logstash,
    twins.office_gateway: raw,
    attacks.gateway_abused: raw,
    principals.integrations_login: raw,
    principals.rogue_directory_agent: splunk,
    principals.directory_agent_upgrade: splunk,
    principals.client_secret_stolen: raw,
    principals.server_fleet_grows: raw,
    principals.service_account_used: logstash,
    principals.service_account_at_work: logstash,
    principals.account_by_program: raw,
    principals.script_moves: raw,
    principals.client_begins_to_write: raw,
    principals.client_at_its_work: raw,
    entities.console_refused: raw,
    entities.provider_touched: logstash,
    entities.two_administrators: raw,
    entities.console_day: raw,
    entities.browser_updated: raw,
    entities.token_stolen: raw,
    entities.token_moves: splunk,
    entities.cleared_lives_on: raw,
    entities.cleared_begins_anew: raw,
    machines.second_machine: raw,
    machines.desktop_at_home: raw,
    machines.vishing: eventbridge,
    machines.new_laptop: raw,
    machines.helpdesk_call: raw,
    machines.new_phone_on_journey: splunk,
    machines.dormant_intruder: raw,
    machines.back_from_leave: raw,
    storms.stuffing_residential: raw,
    storms.expired_monday: splunk,
    storms.long_login: raw,
    storms.long_name: raw,
    storms.import_storm: pages,
    storms.new_integration: pages,
    storms.system_first_op: raw,
    storms.system_upkeep: raw,
    storms.unknown_agent: eventbridge,
    storms.old_mail_program: raw,
}


def text_of(tell, envelope):
    """The lines of a story's events.jsonl."""
    story = Story(tell.__name__, "2026-03-02T00:00:00")
    tell(story)
    return "".join(json.dumps(record) + "\n" for record in envelope(story.events))


def main(arguments):
    """Writes or checks; the exit code is 1 if the check found a difference."""
    stale = []
    for tell, envelope in STORIES.items():
        path = FOLDER / tell.__name__.replace("_", "-") / "events.jsonl"
        text = text_of(tell, envelope)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(path)
        if "--check" not in arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    for path in stale:
        print(path.relative_to(FOLDER), "is out of date" if "--check" in arguments else "written")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
