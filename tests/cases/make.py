"""Which events does each story consist of?

Run: python tests/cases/make.py          writes every events.jsonl anew
     python tests/cases/make.py --check  fails if that would change one

One function tells one story; its docstring is the story's title. What must alert stands in the folder's
expected.jsonl, and why in its README.md; both are written by hand.
"""

import json
import sys
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from okta_log import (
    AMSTERDAM_HOST,
    ANA,
    BEN,
    CLEO,
    CONSOLE,
    DUBLIN_SERVER,
    FRANKFURT_VPN,
    HELPDESK,
    KEEPALIVE,
    LAGOS,
    LINUX,
    LISBON,
    LISBON_OFFICE,
    MAC,
    PORTO_MOBILE,
    PROXY,
    SAM,
    SCRIPT,
    SERVER,
    SINGAPORE_HOST,
    SYSTEM,
    WINDOWS,
    Person,
    Story,
    app,
    thing,
    token,
)

FOLDER = Path(__file__).resolve().parent
MINUTE, HOUR, DAY = 60, 3600, 86400


def at(days=0, hours=0, minutes=0, seconds=0):
    """Seconds from the start of a story, which is a midnight."""
    return days * DAY + hours * HOUR + minutes * MINUTE + seconds


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


def support_breach(story):
    """Intruders act through the vendor's support, as in January 2022."""
    for day in (0, 1):
        story.signs_in(at(day, 9), BEN, LISBON, MAC, f"idxBenDay{day}000000000000000")
        story.opens(at(day, 9, 1), BEN, LISBON, MAC, f"idxBenDay{day}000000000000000", "Wiki")
    grant = [thing("User", "Okta Support", "00u")]
    story.says(
        at(2, 20),
        "user.session.impersonation.grant",
        SAM,
        LISBON_OFFICE,
        WINDOWS,
        "idxSam00000000000000000001",
        targets=grant,
        uri="/api/internal/orgSettings/supportSettings",
        debug={"caseNumber": "0000000"},
    )
    story.system(at(2, 21, 5), "user.session.impersonation.initiate", [SAM.target()])
    story.system(at(2, 21, 12), "user.account.reset_password", [BEN.target()])
    story.system(at(2, 21, 12, 30), "user.mfa.factor.reset_all", [BEN.target()])
    story.signs_in(
        at(2, 21, 20), BEN, AMSTERDAM_HOST, LINUX, "idxThief0000000000000000001", "PASSWORD_AS_FACTOR"
    )
    story.says(
        at(2, 21, 24),
        "user.mfa.factor.activate",
        BEN,
        AMSTERDAM_HOST,
        LINUX,
        "idxThief0000000000000000001",
        targets=[BEN.target(), thing("AuthenticatorEnrollment", "Okta Verify", "pfd")],
        uri="/idp/idx/credential/enroll",
        debug={"factor": "OKTA_VERIFY_PUSH"},
    )
    story.system(at(2, 21, 40), "user.session.impersonation.end", [SAM.target()])


def support_reset_benign(story):
    """A customer's own administrators reset accounts, one of them an administrator's."""
    for day in (0, 1):
        story.signs_in(at(day, 9), BEN, LISBON, MAC, f"idxBenDay{day}000000000000000")
        story.signs_in(at(day, 8), SAM, LISBON_OFFICE, WINDOWS, f"idxSamDay{day}000000000000000")
    desk = (HELPDESK, LISBON_OFFICE, WINDOWS, "idxDesk000000000000000001")
    story.signs_in(at(2, 8), *desk)
    story.says(
        at(2, 9, 30),
        "user.mfa.factor.reset_all",
        *desk,
        targets=[BEN.target()],
        uri="/api/v1/users/factors",
        debug={"caseNumber": "IT-4711"},
    )
    story.signs_in(at(2, 9, 40), BEN, LISBON, MAC, "idxBenDay2000000000000000", "PASSWORD_AS_FACTOR")
    story.says(
        at(2, 9, 42),
        "user.mfa.factor.activate",
        BEN,
        LISBON,
        MAC,
        "idxBenDay2000000000000000",
        targets=[BEN.target(), thing("AuthenticatorEnrollment", "Okta Verify", "pfd")],
        uri="/idp/idx/credential/enroll",
        debug={"factor": "OKTA_VERIFY_PUSH"},
    )
    story.says(
        at(2, 11), "user.mfa.factor.reset_all", *desk, targets=[SAM.target()], uri="/api/v1/users/factors"
    )
    story.signs_in(
        at(2, 11, 10), SAM, LISBON_OFFICE, WINDOWS, "idxSamDay2000000000000000", "PASSWORD_AS_FACTOR"
    )
    story.says(
        at(2, 11, 12),
        "user.mfa.factor.activate",
        SAM,
        LISBON_OFFICE,
        WINDOWS,
        "idxSamDay2000000000000000",
        targets=[SAM.target(), thing("AuthenticatorEnrollment", "Okta Verify", "pfd")],
        uri="/idp/idx/credential/enroll",
        debug={"factor": "OKTA_VERIFY_PUSH"},
    )
    story.says(
        at(2, 14),
        "user.session.access_admin_app",
        SAM,
        LISBON_OFFICE,
        WINDOWS,
        "idxSamDay2000000000000000",
        targets=[CONSOLE],
        uri="/admin/sso/callback",
    )
    story.system(
        at(2, 15),
        "user.account.update_password",
        [BEN.target()],
        transaction={"type": "WEB", "id": token("Z", "sync", 26), "detail": {}},
    )


def smishing_relay(story):
    """Text messages lead three users to a page that relays their sign-ins, as in August 2022."""
    users = [ANA, BEN, CLEO]
    for day in (0, 1):
        for number, who in enumerate(users):
            story.signs_in(at(day, 9, number), who, LISBON, MAC, f"idxDay{day}User{number}0000000000")
    for number, who in enumerate(users):
        session = f"idxRelay{number}00000000000000000"
        begin = at(3, 19, 10 * number)
        story.signs_in(begin, who, AMSTERDAM_HOST, LINUX, session, "OKTA_SOFT_TOKEN")
        if who is BEN:
            story.says(
                begin + 180,
                "user.mfa.factor.activate",
                who,
                AMSTERDAM_HOST,
                LINUX,
                session,
                targets=[who.target(), thing("AuthenticatorEnrollment", "Okta Verify", "pfd")],
                uri="/idp/idx/credential/enroll",
                debug={"factor": "OKTA_VERIFY_PUSH"},
            )
            for count in range(12):
                story.opens(
                    begin + 240 + 7 * count, who, AMSTERDAM_HOST, LINUX, session, f"Application {count:02}"
                )


def customer_visit(story):
    """Two colleagues work from a customer's office that neither has been to."""
    users = [ANA, BEN]
    for day in (0, 1):
        for number, who in enumerate([*users, CLEO]):
            story.signs_in(at(day, 9, number), who, LISBON, MAC, f"idxDay{day}User{number}0000000000")
    for number, who in enumerate(users):
        session = f"idxVisit{number}00000000000000000"
        story.signs_in(at(3, 10, 5 * number), who, AMSTERDAM_HOST, MAC, session)
        for count in range(4):
            story.opens(
                at(3, 10, 5 * number + count, 30),
                who,
                AMSTERDAM_HOST,
                MAC,
                session,
                f"Application {count:02}",
            )
    story.signs_in(at(3, 10, 7), CLEO, LISBON, MAC, "idxDay3Cleo000000000000000")


def tenant_takeover(story):
    """A help desk is talked into a reset, and the tenant is taken over, as in August 2023."""
    for day in (0, 1):
        story.signs_in(at(day, 8), SAM, LISBON_OFFICE, WINDOWS, f"idxSamDay{day}000000000000000")
    desk = (HELPDESK, LISBON_OFFICE, WINDOWS, "idxDesk000000000000000001")
    story.signs_in(at(2, 21), *desk)
    story.says(
        at(2, 22), "user.mfa.factor.reset_all", *desk, targets=[SAM.target()], uri="/api/v1/users/factors"
    )
    thief = (SAM, PROXY, LINUX, "idxThief0000000000000000001")
    story.signs_in(at(2, 22, 5), *thief, factor="PASSWORD_AS_FACTOR")
    story.says(
        at(2, 22, 6),
        "user.mfa.factor.activate",
        *thief,
        targets=[SAM.target(), thing("AuthenticatorEnrollment", "Okta Verify", "pfd")],
        uri="/idp/idx/credential/enroll",
        debug={"factor": "OKTA_VERIFY_PUSH"},
    )
    story.says(
        at(2, 22, 8),
        "user.session.access_admin_app",
        *thief,
        targets=[CONSOLE],
        uri="/admin/sso/callback",
        debug={
            "behaviors": "{New Geo-Location=POSITIVE, New Device=POSITIVE, New IP=POSITIVE, "
            "New State=POSITIVE, New Country=POSITIVE, Velocity=NEGATIVE, New City=POSITIVE}"
        },
    )
    mallory = Person("svc-backup@example.com", "Backup Service")
    story.says(
        at(2, 22, 11), "user.lifecycle.create", *thief, targets=[mallory.target()], uri="/api/v1/users"
    )
    story.says(
        at(2, 22, 12),
        "user.account.privilege.grant",
        *thief,
        targets=[mallory.target()],
        uri="/api/internal/administrators",
        debug={"privilegeGranted": "Super administrator"},
    )
    action = (
        '{{"appSignOn":{{"access":"ALLOW","verificationMethod":{{"factorMode":"{}","type":"ASSURANCE"}}}}}}'
    )
    story.says(
        at(2, 22, 15),
        "policy.rule.update",
        *thief,
        uri="/api/v1/policies/rules",
        targets=[
            thing(
                "PolicyRule",
                "Everyone",
                "rul",
                changeDetails={
                    "from": {"policyRuleActionJson": action.format("2FA")},
                    "to": {"policyRuleActionJson": action.format("1FA")},
                },
            )
        ],
    )
    for minute, step in ((20, "create"), (21, "activate")):
        story.says(
            at(2, 22, minute),
            f"system.idp.lifecycle.{step}",
            *thief,
            uri="/api/v1/idps",
            targets=[thing("IdentityProvider", "Partner SSO", "0oa")],
        )
    story.says(
        at(2, 22, 25),
        "application.lifecycle.create",
        *thief,
        uri="/admin/app/okta_org2org",
        targets=[app("Okta Org2Org")],
    )
    story.says(
        at(2, 22, 31),
        "user.authentication.auth_via_IDP",
        SYSTEM,
        PROXY,
        LINUX,
        None,
        targets=[ANA.target(), thing("IdentityProvider", "Partner SSO", "0oa")],
        uri="/sso/saml2/partner",
        debug={"idpDisplayName": "Partner SSO"},
    )


def stolen_session(story):
    """An administrator's session is taken from a browser recording, as in October 2023."""
    session = "idxAdmin0000000000000000001"
    admin = (SAM, LISBON_OFFICE, WINDOWS, session)
    story.signs_in(at(0, 9), *admin)
    story.says(
        at(0, 9, 5), "user.session.access_admin_app", *admin, targets=[CONSOLE], uri="/admin/sso/callback"
    )
    story.opens(at(0, 9, 30), *admin, "Support Portal")
    thief = (SAM, SINGAPORE_HOST, LINUX, session)
    story.says(
        at(0, 9, 58),
        "policy.evaluate_sign_on",
        *thief,
        result="DENY",
        targets=[CONSOLE],
        reason="Sign-on policy evaluation resulted in DENY",
        uri="/admin/sso/request",
    )
    story.says(
        at(0, 9, 59),
        "user.session.access_admin_app",
        *thief,
        result="FAILURE",
        targets=[CONSOLE],
        reason="Access denied by policy",
        uri="/admin/sso/callback",
    )
    story.says(
        at(0, 10, 2),
        "analytics.reports.export.request",
        *thief,
        uri="/reports/administrators/export",
        targets=[thing("Report", "Administrators", "rep")],
    )
    story.opens(at(0, 10, 10), *admin, "Wiki")
    story.says(
        at(0, 10, 40),
        "user.session.clear",
        ANA,
        LISBON_OFFICE,
        MAC,
        "idxAna000000000000000000001",
        targets=[SAM.target()],
        uri="/api/v1/users/sessions",
    )


def vpn_flip(story):
    """One user switches the company's VPN, another a commercial one; a phone answers from elsewhere."""
    session = "idxFlip00000000000000000001"
    for count in range(6):
        place = LISBON if count in (0, 1, 4, 5) else FRANKFURT_VPN
        moment = at(0, 9, 15 * count)
        keep = token("trs", f"keep{count}", 25)
        story.says(moment, "user.session.start", ANA, place, KEEPALIVE, keep)
        story.says(moment + 0.044, "policy.evaluate_sign_on", ANA, place, KEEPALIVE, keep, "ALLOW")
    story.signs_in(at(0, 9, 5), ANA, LISBON, MAC, session)
    story.opens(at(0, 9, 20), ANA, LISBON, MAC, session, "Wiki")
    story.opens(at(0, 9, 31), ANA, FRANKFURT_VPN, MAC, session, "Payroll")
    story.opens(at(0, 9, 50), ANA, FRANKFURT_VPN, MAC, session, "Wiki")
    story.opens(at(0, 10, 5), ANA, LISBON, MAC, session, "Wiki")
    other = "idxFlip00000000000000000002"
    story.signs_in(at(0, 9, 2), BEN, LISBON, WINDOWS, other)
    story.opens(at(0, 9, 40), BEN, PROXY, WINDOWS, other, "Wiki")
    story.opens(at(0, 9, 55), BEN, LISBON, WINDOWS, other, "Wiki")
    phone = "idxFlip00000000000000000003"
    roaming = replace(
        PORTO_MOBILE, ip="192.0.2.60", city="London", country="United Kingdom", lat=51.5085, lon=-0.1257
    )
    story.says(
        at(0, 11),
        "system.push.send_factor_verify_push",
        CLEO,
        LISBON,
        WINDOWS,
        phone,
        targets=[CLEO.target()],
    )
    story.approves(at(0, 11, 0, 20), CLEO, roaming, phone)
    story.says(
        at(0, 11, 0, 21), "user.session.start", CLEO, LISBON, WINDOWS, phone, uri="/idp/idx/challenge/poll"
    )
    story.opens(at(0, 11, 2), CLEO, LISBON, WINDOWS, phone, "Wiki")
    story.events.sort(key=lambda event: event["published"])


def push_bombing(story):
    """A user declines push after push, and gives in."""
    story.signs_in(at(0, 9), BEN, LISBON, MAC, "idxBenDay0000000000000000")
    session = "idxThief0000000000000000001"
    for count in range(6):
        story.says(
            at(1, 1, 2 * count),
            "system.push.send_factor_verify_push",
            BEN,
            AMSTERDAM_HOST,
            LINUX,
            session,
            targets=[BEN.target()],
            uri="/idp/idx/authenticators/poll",
        )
        if count < 5:
            story.declines(at(1, 1, 2 * count, 15), BEN, LISBON, session)
    story.approves(at(1, 1, 10, 40), BEN, LISBON, session)
    story.says(
        at(1, 1, 10, 41),
        "user.session.start",
        BEN,
        AMSTERDAM_HOST,
        LINUX,
        session,
        uri="/idp/idx/challenge/poll",
    )
    story.opens(at(1, 1, 13), BEN, AMSTERDAM_HOST, LINUX, session, "Wiki")


def push_declined_twice(story):
    """A user presses the wrong button twice, in a hurry."""
    story.signs_in(at(0, 9), BEN, LISBON, MAC, "idxBenDay0000000000000000")
    session = "idxBenDay1000000000000000"
    for count in range(3):
        story.says(
            at(1, 8, count),
            "system.push.send_factor_verify_push",
            BEN,
            LISBON,
            MAC,
            session,
            targets=[BEN.target()],
            uri="/idp/idx/authenticators/poll",
        )
        if count < 2:
            story.declines(at(1, 8, count, 10), BEN, PORTO_MOBILE, session)
    story.approves(at(1, 8, 2, 9), BEN, PORTO_MOBILE, session)
    story.says(
        at(1, 8, 2, 10), "user.session.start", BEN, LISBON, MAC, session, uri="/idp/idx/challenge/poll"
    )


def password_spray(story):
    """One address tries one password against many accounts, and finds one."""
    for count in range(14):
        name = f"staff{count:02}@example.com"
        story.fails(at(0, 3, 0, 40 * count), Person(name, name), AMSTERDAM_HOST, SERVER)
    story.signs_in(
        at(0, 3, 12), CLEO, AMSTERDAM_HOST, SERVER, "idxThief0000000000000000001", "PASSWORD_AS_FACTOR"
    )
    story.signs_in(at(0, 8, 30), CLEO, LISBON, MAC, "idxCleoDay000000000000000")


def office_monday(story):
    """Nine people behind one office address mistype their new passwords, and then get in."""
    for count in range(9):
        who = Person(f"staff{count:02}@example.com", f"Staff {count:02}")
        story.fails(at(0, 9, count), who, LISBON_OFFICE, WINDOWS)
        story.signs_in(
            at(0, 9, count, 20), who, LISBON_OFFICE, WINDOWS, f"idxStaff{count:02}0000000000000000"
        )


def password_guessing(story):
    """Somebody guesses one user's password until it fits."""
    story.signs_in(at(0, 9), ANA, LISBON, MAC, "idxAnaDay0000000000000000")
    for count in range(12):
        story.fails(at(1, 2, 0, 45 * count), ANA, LAGOS, LINUX)
    story.signs_in(at(1, 2, 15), ANA, LAGOS, LINUX, "idxThief0000000000000000001", "PASSWORD_AS_FACTOR")


def stale_password(story):
    """A keep-alive goes on with the old password, four times an hour, after the user changed it."""
    story.signs_in(at(0, 8), ANA, LISBON, MAC, "idxAnaDay0000000000000000")
    story.says(
        at(0, 8, 2),
        "user.account.update_password",
        ANA,
        LISBON,
        MAC,
        "idxAnaDay0000000000000000",
        targets=[ANA.target()],
        uri="/api/v1/users/me/credentials",
    )
    for count in range(16):
        story.fails(at(0, 8, 15 * (count + 1)), ANA, LISBON, KEEPALIVE)
    story.signs_in(at(0, 12, 30), ANA, LISBON, MAC, "idxAnaNoon000000000000000")


def impossible_travel(story):
    """A user works in Lisbon while somebody else uses the account in Lagos."""
    story.signs_in(at(0, 9), ANA, LISBON, MAC, "idxAnaDay0000000000000000")
    story.opens(at(0, 9, 50), ANA, LISBON, MAC, "idxAnaDay0000000000000000", "Wiki")
    story.signs_in(at(0, 10, 20), ANA, LAGOS, LINUX, "idxThief0000000000000000001", "PASSWORD_AS_FACTOR")
    story.opens(at(0, 10, 23), ANA, LAGOS, LINUX, "idxThief0000000000000000001", "Payroll")
    story.opens(at(0, 10, 40), ANA, LISBON, MAC, "idxAnaDay0000000000000000", "Wiki")


def fastpass_phishing(story):
    """A phishing page asks FastPass for an answer and gets none; the user then signs in properly."""
    story.says(
        at(0, 10),
        "policy.evaluate_sign_on",
        ANA,
        AMSTERDAM_HOST,
        LINUX,
        None,
        "CHALLENGE",
        targets=[thing("PolicyEntity", "Everyone", "00p")],
        uri="/idp/idx/identify",
    )
    story.says(
        at(0, 10, 0, 4),
        "user.authentication.auth_via_mfa",
        SYSTEM,
        LISBON,
        MAC,
        None,
        "FAILURE",
        "FastPass declined phishing attempt",
        uri="/idp/authenticators/sso/transactions/verify",
        debug={
            "factor": "SIGNED_NONCE",
            "origin": "https://login.example.net",
            "risk": "{reasons=Anomalous Device, level=MEDIUM}",
        },
    )
    story.signs_in(at(0, 13), ANA, LISBON, MAC, "idxAnaDay0000000000000000", "SIGNED_NONCE")


def log_stream(story):
    """An administrator sets up a new log stream; later somebody stops the old one; Okta gives up a third."""
    admin = (SAM, LISBON_OFFICE, WINDOWS, "idxAdmin0000000000000000001")
    story.signs_in(at(0, 9), *admin)
    story.says(
        at(0, 9, 10),
        "system.log_stream.lifecycle.create",
        *admin,
        uri="/api/v1/logStreams",
        targets=[thing("LogStream", "siem-new", "0oa")],
    )
    story.says(
        at(0, 23),
        "system.log_stream.lifecycle.deactivate",
        *admin,
        uri="/api/v1/logStreams/deactivate",
        targets=[thing("LogStream", "siem-old", "0oa")],
    )
    story.system(
        at(1, 2), "system.log_stream.lifecycle.deactivate", [thing("LogStream", "siem-archive", "0oa")]
    )


def import_burst(story):
    """The nightly import touches forty users, groups and applications."""
    story.system(
        at(0, 2),
        "system.import.start",
        [app("Personnel Directory")],
        debugContext={"debugData": {"importTrigger": "Schedule", "importType": "Full"}},
    )
    for count in range(40):
        who = Person(f"staff{count:02}@example.com", f"Staff {count:02}")
        group = thing("UserGroup", "All staff", "00g")
        kinds = (
            "app.user_management",
            "group.user_membership.add",
            "application.user_membership.add",
            "user.lifecycle.deactivate",
            "application.provision.user.sync",
        )
        story.system(
            at(0, 2, 0, 10 + 3 * count),
            kinds[count % len(kinds)],
            [who.target(), group, app("Personnel Directory")],
        )
    story.system(at(0, 2, 5), "system.import.complete", [app("Personnel Directory")])


def sso_backchannel(story):
    """An application's server exchanges codes and refreshes tokens for a user who sits elsewhere."""
    session = "idxAnaDay0000000000000000"
    story.signs_in(at(0, 9), ANA, LISBON, MAC, session)
    client = {
        "id": token("0oa", "Intranet"),
        "type": "PublicClientApp",
        "alternateId": token("0oa", "Intranet"),
        "displayName": "Intranet",
        "detailEntry": None,
    }
    for count in range(6):
        moment = at(0, 9, 5 + 10 * count)
        known = session if count % 2 else None
        story.opens(moment, ANA, DUBLIN_SERVER, SERVER, known, "Intranet", uri="/oauth2/v1/token")
        for kind in ("access_token", "id_token"):
            story.says(
                moment + 1,
                f"app.oauth2.token.grant.{kind}",
                client,
                DUBLIN_SERVER,
                SERVER,
                known,
                targets=[
                    {"id": ANA.id, "type": "User", "alternateId": None, "displayName": None},
                    {
                        "id": token(kind[:2], f"{count}"),
                        "type": kind,
                        "alternateId": None,
                        "displayName": None,
                        "detailEntry": {"expires": "3600", "subject": ANA.id},
                    },
                ],
                uri="/oauth2/v1/token",
                debug={"grantType": "authorization_code", "clientAuthType": "client_secret_basic"},
            )
        story.opens(moment + 120, ANA, LISBON, MAC, session, "Wiki")


def password_as_username(story):
    """A user types the password where the name belongs, and then does it right."""
    nobody = {
        "id": "unknown",
        "type": "User",
        "alternateId": "Blue-Kettle#1987",
        "displayName": "unknown",
        "detailEntry": None,
    }
    story.fails(at(0, 9), nobody, LISBON, MAC, "NOT_FOUND")
    story.signs_in(at(0, 9, 0, 20), ANA, LISBON, MAC, "idxAnaDay0000000000000000")
    typing = {
        "id": "unknown",
        "type": "User",
        "alternateId": "anna@example.com",
        "displayName": "unknown",
        "detailEntry": None,
    }
    story.fails(at(0, 13), typing, LISBON, MAC, "NOT_FOUND")


def token_abuse(story):
    """A stolen session makes an API token, uses it from two other networks, and removes it."""
    home = (SAM, LISBON_OFFICE, WINDOWS, "idxAdmin0000000000000000001")
    story.signs_in(at(0, 9), *home)
    key = {
        "id": token("00T", "quick"),
        "type": "Token",
        "alternateId": "unknown",
        "displayName": "quick",
        "detailEntry": None,
    }
    story.says(at(0, 9, 10), "system.api_token.create", *home, targets=[key], uri="/api/internal/tokens")
    used = {"type": "WEB", "id": token("Z", "used", 26), "detail": {"requestApiTokenId": key["id"]}}
    for count, place in enumerate((LISBON_OFFICE, AMSTERDAM_HOST, SINGAPORE_HOST)):
        who = Person(f"temp{count}@example.com", f"Temp {count}")
        story.says(
            at(0, 9, 12 + 5 * count),
            "user.lifecycle.create",
            SAM,
            place,
            SCRIPT,
            f"trsToken{count}0000000000000000",
            targets=[who.target()],
            uri="/api/v1/users",
            transaction=used,
        )
    story.says(
        at(0, 9, 30),
        "user.account.privilege.grant",
        SAM,
        SINGAPORE_HOST,
        SCRIPT,
        "trsToken30000000000000000",
        targets=[who.target()],
        uri="/api/v1/users/roles",
        transaction=used,
        debug={"privilegeGranted": "Organization administrator"},
    )
    story.says(at(0, 9, 50), "system.api_token.revoke", *home, targets=[key], uri="/api/internal/tokens")


STORIES = {
    support_breach: raw,
    support_reset_benign: splunk,
    smishing_relay: eventbridge,
    customer_visit: raw,
    tenant_takeover: logstash,
    stolen_session: raw,
    vpn_flip: raw,
    push_bombing: pages,
    push_declined_twice: raw,
    password_spray: splunk,
    office_monday: raw,
    password_guessing: raw,
    stale_password: pages,
    impossible_travel: raw,
    fastpass_phishing: eventbridge,
    log_stream: raw,
    import_burst: pages,
    sso_backchannel: raw,
    password_as_username: raw,
    token_abuse: raw,
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
