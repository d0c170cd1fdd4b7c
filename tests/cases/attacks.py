"""What happened when somebody broke in?

One function tells one story; its docstring is the story's title.
"""

from okta_log import (
    AMSTERDAM_HOST,
    ANA,
    BEN,
    CLEO,
    DUBLIN_SERVER,
    GATEWAY,
    HELPDESK,
    LAGOS,
    LINUX,
    LISBON,
    LISBON_OFFICE,
    LONDON_MOBILE,
    MAC,
    PHONE,
    PROXY,
    SAM,
    SCRIPT,
    SERVER,
    SINGAPORE_HOST,
    SYSTEM,
    WINDOWS,
    Person,
    app,
    at,
    thing,
    token,
)
from twins import behind, commutes


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
    story.enters(
        at(2, 22, 8),
        *thief,
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
    story.enters(at(0, 9, 5), *admin)
    story.opens(at(0, 9, 30), *admin, "Support Portal")
    thief = (SAM, SINGAPORE_HOST, LINUX, session)
    story.is_refused_console(at(0, 9, 58), *thief, wait=60)
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


def password_spray(story):
    """One address tries one password against many accounts, and finds one."""
    for count in range(14):
        name = f"staff{count:02}@example.com"
        story.fails(at(0, 3, 0, 40 * count), Person(name, name), AMSTERDAM_HOST, SERVER)
    story.signs_in(
        at(0, 3, 12), CLEO, AMSTERDAM_HOST, SERVER, "idxThief0000000000000000001", "PASSWORD_AS_FACTOR"
    )
    story.signs_in(at(0, 8, 30), CLEO, LISBON, MAC, "idxCleoDay000000000000000")


def password_guessing(story):
    """Somebody guesses one user's password until it fits."""
    story.signs_in(at(0, 9), ANA, LISBON, MAC, "idxAnaDay0000000000000000")
    for count in range(12):
        story.fails(at(1, 2, 0, 45 * count), ANA, LAGOS, LINUX)
    story.signs_in(at(1, 2, 15), ANA, LAGOS, LINUX, "idxThief0000000000000000001", "PASSWORD_AS_FACTOR")


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


def commuter_robbed(story):
    """Somebody uses the account of a user who lives in two cities, in a third."""
    commutes(story, 5)
    story.signs_in(at(7, 10), ANA, LAGOS, LINUX, "idxThief0000000000000000001")
    story.events.sort(key=lambda event: event["published"])


def phone_pretender(story):
    """A phone approves a push; then somebody abroad who calls himself that phone uses the session."""
    session = "idxPhone0000000000000000000"
    story.signs_in(at(0, 9), CLEO, LISBON, WINDOWS, session, "PASSWORD_AS_FACTOR")
    story.approves(at(0, 9, 1), CLEO, LONDON_MOBILE, session)
    story.opens(at(0, 9, 5), CLEO, LISBON, WINDOWS, session, "Wiki")
    story.opens(at(0, 9, 40), CLEO, LAGOS, PHONE, session, "Payroll")


def backchannel_taken(story):
    """An application's server redeems codes, and then somebody on it uses the session it was shown."""
    session = "idxAnaDay0000000000000000"
    story.signs_in(at(0, 9), ANA, LISBON, MAC, session)
    for count in range(3):
        story.opens(
            at(0, 9, 5 + 10 * count), ANA, DUBLIN_SERVER, SERVER, session, "Intranet", uri="/oauth2/v1/token"
        )
    story.opens(at(0, 9, 40), ANA, DUBLIN_SERVER, SERVER, session, "Payroll")


def gateway_abused(story):
    """Behind the office's gateway a user is in Lisbon, and half an hour later in Lagos."""
    home, thief = "idxGateway0000000000000000", "idxThief0000000000000000001"
    story.opens(at(0, 9), ANA, GATEWAY, MAC, home, "Wiki", request=behind(GATEWAY, LISBON))
    story.opens(at(0, 9, 30), ANA, GATEWAY, LINUX, thief, "Payroll", request=behind(GATEWAY, LAGOS))
