//! What is an ATT&CK technique called?

/// Techniques that show in an identity provider's log, by id.
const TECHNIQUES: &[(&str, &str)] = &[
    ("T1056", "Input Capture"),
    ("T1056.003", "Web Portal Capture"),
    ("T1070", "Indicator Removal"),
    ("T1078", "Valid Accounts"),
    ("T1078.001", "Default Accounts"),
    ("T1078.002", "Domain Accounts"),
    ("T1078.004", "Cloud Accounts"),
    ("T1087", "Account Discovery"),
    ("T1087.004", "Cloud Account"),
    ("T1090", "Proxy"),
    ("T1090.003", "Multi-hop Proxy"),
    ("T1098", "Account Manipulation"),
    ("T1098.001", "Additional Cloud Credentials"),
    ("T1098.003", "Additional Cloud Roles"),
    ("T1098.005", "Device Registration"),
    ("T1110", "Brute Force"),
    ("T1110.001", "Password Guessing"),
    ("T1110.003", "Password Spraying"),
    ("T1110.004", "Credential Stuffing"),
    ("T1111", "Multi-Factor Authentication Interception"),
    ("T1134", "Access Token Manipulation"),
    ("T1134.003", "Make and Impersonate Token"),
    ("T1136", "Create Account"),
    ("T1136.003", "Cloud Account"),
    ("T1185", "Browser Session Hijacking"),
    ("T1199", "Trusted Relationship"),
    ("T1212", "Exploitation for Credential Access"),
    ("T1213", "Data from Information Repositories"),
    ("T1484", "Domain or Tenant Policy Modification"),
    ("T1484.001", "Group Policy Modification"),
    ("T1484.002", "Trust Modification"),
    ("T1489", "Service Stop"),
    ("T1498", "Network Denial of Service"),
    ("T1499", "Endpoint Denial of Service"),
    ("T1526", "Cloud Service Discovery"),
    ("T1528", "Steal Application Access Token"),
    ("T1530", "Data from Cloud Storage"),
    ("T1531", "Account Access Removal"),
    ("T1534", "Internal Spearphishing"),
    ("T1538", "Cloud Service Dashboard"),
    ("T1539", "Steal Web Session Cookie"),
    ("T1548", "Abuse Elevation Control Mechanism"),
    ("T1548.005", "Temporary Elevated Cloud Access"),
    ("T1550", "Use Alternate Authentication Material"),
    ("T1550.001", "Application Access Token"),
    ("T1550.004", "Web Session Cookie"),
    ("T1552", "Unsecured Credentials"),
    ("T1552.001", "Credentials In Files"),
    ("T1555", "Credentials from Password Stores"),
    ("T1555.006", "Cloud Secrets Management Stores"),
    ("T1556", "Modify Authentication Process"),
    ("T1556.006", "Multi-Factor Authentication"),
    ("T1556.007", "Hybrid Identity"),
    ("T1556.009", "Conditional Access Policies"),
    ("T1557", "Adversary-in-the-Middle"),
    ("T1562", "Impair Defenses"),
    ("T1562.001", "Disable or Modify Tools"),
    ("T1562.007", "Disable or Modify Cloud Firewall"),
    ("T1562.008", "Disable or Modify Cloud Logs"),
    ("T1566", "Phishing"),
    ("T1566.002", "Spearphishing Link"),
    ("T1566.004", "Spearphishing Voice"),
    ("T1580", "Cloud Infrastructure Discovery"),
    ("T1583", "Acquire Infrastructure"),
    ("T1586", "Compromise Accounts"),
    ("T1586.003", "Cloud Accounts"),
    ("T1589", "Gather Victim Identity Information"),
    ("T1589.001", "Credentials"),
    ("T1598", "Phishing for Information"),
    ("T1606", "Forge Web Credentials"),
    ("T1606.001", "Web Cookies"),
    ("T1606.002", "SAML Tokens"),
    ("T1621", "Multi-Factor Authentication Request Generation"),
    ("T1648", "Serverless Execution"),
    ("T1649", "Steal or Forge Authentication Certificates"),
    ("T1651", "Cloud Administration Command"),
    ("T1656", "Impersonation"),
];

/// A technique's name, without its parent's; `None` for one that is not in the table.
pub fn technique_name(uid: &str) -> Option<&'static str> {
    let place = TECHNIQUES.binary_search_by_key(&uid, |(uid, _)| *uid).ok()?;
    TECHNIQUES.get(place).map(|(_, name)| *name)
}

/// The technique that a sub-technique belongs to: `T1556` of `T1556.006`.
pub(super) fn parent(uid: &str) -> Option<&str> {
    uid.split_once('.').map(|(parent, _)| parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_sub_technique_has_its_parent() {
        assert!(TECHNIQUES.is_sorted_by(|left, right| left.0 < right.0));
        for (uid, _) in TECHNIQUES {
            assert!(parent(uid).is_none_or(|parent| technique_name(parent).is_some()), "{uid}");
        }
    }

    #[test]
    fn a_technique_has_its_name_and_an_unknown_one_none() {
        assert_eq!(technique_name("T1621"), Some("Multi-Factor Authentication Request Generation"));
        assert_eq!(technique_name("T1556.006"), Some("Multi-Factor Authentication"));
        assert_eq!(technique_name("T0000"), None);
    }
}
