//! What the README, the help, the manual pages and the completions say of the command line is the same.

use std::{collections::BTreeSet, fs, process::Command};

fn plimsoll(args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_plimsoll"))
        .args(args)
        .env_clear()
        .env("COLUMNS", "120")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8(out.stdout).unwrap()
}

/// Every command with its help, `db update` as `["db", "update"]`.
fn commands() -> Vec<(Vec<String>, String)> {
    let mut all = Vec::new();
    let mut open: Vec<Vec<String>> = vec![Vec::new()];
    while let Some(path) = open.pop() {
        let args: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        let help = plimsoll(&args);
        let listed = help
            .split("\nCommands:\n")
            .nth(1)
            .and_then(|rest| rest.split("\n\n").next());
        for line in listed.into_iter().flat_map(str::lines) {
            let name = line.split_whitespace().next().unwrap();
            // A line of its own begins two deep; what follows it is deeper.
            if line.starts_with("  ") && !line.starts_with("   ") && name != "help" {
                open.push(path.iter().cloned().chain([name.to_owned()]).collect());
            }
        }
        all.push((path, help));
    }
    all
}

/// `--flags` that a text names.
fn flags(text: &str) -> BTreeSet<&str> {
    let starts = text.match_indices("--").filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        before.is_none_or(|c| c.is_whitespace() || "`([|".contains(c))
    });
    let flag = |(at, _): (usize, &str)| {
        let end = text[at + 2..]
            .find(|c: char| !c.is_ascii_lowercase() && c != '-')
            .map_or(text.len(), |n| at + 2 + n);
        &text[at..end]
    };
    starts.map(flag).filter(|flag| flag.len() > 3).collect()
}

/// Flags of tools that the README's commands use besides plimsoll.
const OTHERS: [&str; 5] = ["--release", "--no-default-features", "--path", "--example", "--fail"];

#[test]
fn the_readme_names_flags_and_commands_that_exist_and_every_command() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let commands = commands();
    let known: BTreeSet<&str> = commands.iter().flat_map(|(_, help)| flags(help)).collect();
    let unknown: Vec<&str> = flags(&readme)
        .into_iter()
        .filter(|f| !known.contains(f) && !OTHERS.contains(f))
        .collect();
    assert!(
        unknown.is_empty(),
        "the README names flags that no help does: {unknown:?}"
    );
    for (path, _) in commands.iter().filter(|(path, _)| path.len() == 1) {
        assert!(
            readme.contains(&format!("plimsoll {}", path[0])),
            "the README does not name `plimsoll {}`",
            path[0]
        );
    }
}

#[test]
fn every_command_has_a_page_that_names_its_flags() {
    let folder = tempfile::tempdir().unwrap();
    plimsoll(&["man", "--dir", folder.path().to_str().unwrap()]);
    let mut pages = 0;
    for (path, help) in commands() {
        let name = ["plimsoll"]
            .into_iter()
            .chain(path.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join("-");
        let page = fs::read_to_string(folder.path().join(format!("{name}.1"))).expect(&name);
        // roff writes a hyphen that is no dash with a backslash.
        let page = page.replace("\\-", "-").replace("\\*(Aq", "'");
        let options = help.split("\nExamples:\n").next().unwrap();
        let missing: Vec<&str> = flags(options).into_iter().filter(|flag| !page.contains(flag)).collect();
        assert!(missing.is_empty(), "{name}.1 lacks {missing:?}");
        for line in help
            .split("\nExamples:\n")
            .skip(1)
            .flat_map(str::lines)
            .filter(|l| l.trim_start().starts_with("plimsoll "))
        {
            let example = line.trim().split("  ").next().unwrap();
            assert!(page.contains(example), "{name}.1 lacks the example `{example}`");
        }
        let args: Vec<&str> = ["man"].into_iter().chain(path.iter().map(String::as_str)).collect();
        assert_eq!(
            plimsoll(&args).replace("\\-", "-").replace("\\*(Aq", "'"),
            page,
            "{args:?}"
        );
        pages += 1;
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), pages);
}

/// Commands that do something beyond what their name says show how.
#[test]
fn help_has_examples_that_begin_with_the_command() {
    for (path, help) in commands().into_iter().filter(|(path, _)| path.len() == 1) {
        let examples = help
            .split("\nExamples:\n")
            .nth(1)
            .unwrap_or_else(|| panic!("{path:?} has no examples"));
        assert!(
            examples.contains(&format!("plimsoll {}", path[0])),
            "{path:?}: {examples}"
        );
    }
}

#[test]
fn completions_name_every_command_and_flag() {
    let commands = commands();
    for shell in ["bash", "zsh", "fish", "powershell"] {
        let script = plimsoll(&["completions", shell]);
        for (path, help) in &commands {
            let options = help
                .split("\nExamples:\n")
                .next()
                .unwrap()
                .split("\nOptions:\n")
                .nth(1)
                .unwrap_or_default();
            let named = options.lines().filter(|line| line.trim_start().starts_with('-'));
            for flag in named.flat_map(|line| flags(line)) {
                let there = script.contains(flag) || shell == "fish" && script.contains(&format!("-l {}", &flag[2..]));
                assert!(there, "{shell}: {path:?} {flag}");
            }
            assert!(
                path.last().is_none_or(|name| script.contains(&**name)),
                "{shell}: {path:?}"
            );
        }
    }
}
