//! The policy that `plimsoll policy init` writes.

/// A commented policy that changes nothing: every key is there, with its default or an example, behind a `#`.
pub const TEMPLATE: &str = r#"# The policy of plimsoll, found from the working directory upward to the top of the repository, or given with --policy.
# `plimsoll policy check` says what it means. Flags of the command line win over it. Every line that begins with `#` and a
# key is an example, or the default.

# What makes a scan fail (exit code 1): none, low, medium, high, critical, any (every finding of level error).
#fail-on = "any"

# Fail on a flaw that attackers are known to use (CISA's KEV catalogue, where the database has it), whatever its severity.
#fail-on-exploited = true

# Exit with 3 also when something could be seen into only in part.
#require-coverage = true

# Compare installed Python files with the hashes in their RECORD.
#verify-records = true

# By rule, warnings too: none (never fails), any (every finding of that rule fails), or the least severity that does.
[rules]
#unmaintained = "any"

# What an artifact may cost; names as `plimsoll scan --help` lists them.
[limits]
#total-bytes = "4G"
#deadline = 60

[advisories]
#db = "/var/lib/plimsoll/db"
#url = "https://osv-mirror.example.com"
#offline = true
#warn-after = "24h"
#fail-after = "5 days"
#kev-url = "https://mirror.example.com/known_exploited_vulnerabilities.json"
#epss-url = "https://mirror.example.com/epss_scores-current.csv.gz"
#names-url = "https://mirror.example.com/names"

# Packages whose names look like a typing error and are none.
[typosquat]
#allow = ["pkg:npm/our-lodahs"]

# A finding that shall not count stays in every report as ignored, with the reason. All keys of an entry must hold:
#   id             advisory or alias, one or a list of them
#   package        package URL, the version exact, a range (in the ecosystem's own order), or left out
#   path           glob that every place of the finding matches, or a folder (`outer.zip!/inner/**` for nested archives)
#   rule           `plimsoll explain RULE` says what each means
#   artifact       glob of the artifact's path
#   reason         required
#   expires        last day on which the entry holds
#   justification  why the flaw does no harm, for `-o openvex`: component_not_present, vulnerable_code_not_present,
#                  vulnerable_code_not_in_execute_path, vulnerable_code_cannot_be_controlled_by_adversary,
#                  inline_mitigations_already_exist. Without it the entry says that the flaw is there and accepted.
# A malicious package is ignored only by its record's id, or by rule = "malicious".
#[[ignore]]
#id = "CVE-2021-23337"
#package = "pkg:npm/lodash@<4.17.21"
#path = "node_modules/lodash/**"
#rule = "vulnerable"
#artifact = "dist/*.zip"
#reason = "_.template is not used here (OPS-123)"
#expires = 2027-01-31
#justification = "vulnerable_code_not_in_execute_path"

# A gap that shall leave the exit code. It stays in every report. Either path (as above) or about, a part of its reason:
#[[accept-gap]]
#path = "assets/fonts.zip"
#about = "encrypted"
#stage = "archive"
#artifact = "dist/*.zip"
#reason = "licensed fonts, encrypted by their vendor; no code"
#expires = 2027-01-31
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{Policy, file::KEYS};

    #[test]
    fn it_is_a_policy_with_and_without_its_examples_and_names_every_key() {
        Policy::parse(TEMPLATE, "x").expect("as it is");
        // Prose follows `# `, examples follow `#`.
        let uncommented: Vec<&str> = TEMPLATE
            .lines()
            .filter(|line| !line.starts_with("# ") && *line != "#")
            .map(|line| line.strip_prefix('#').unwrap_or(line))
            .collect();
        let uncommented = uncommented.join("\n");
        let policy = Policy::parse(&uncommented, "x").expect("with its examples");
        assert_eq!(
            (policy.ignores.len(), policy.acceptances.len(), policy.limits.len()),
            (1, 1, 2)
        );
        for (table, keys) in KEYS {
            let from = uncommented.find(&format!("[{table}]")).unwrap_or_default();
            for key in keys {
                let there = [format!("\n{key} = "), format!("[{key}]")];
                assert!(there.iter().any(|t| uncommented[from..].contains(t)), "{table} {key}");
            }
        }
    }
}
