//! Which part of the functions a worker is for.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// One part of several. By a hash of the function's name and source, so that it is the same part every night, whatever else
/// comes and goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 0.
    index: u32,
    of: u32,
}

impl Shard {
    /// Everything.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// Part `index` (from 0) of `of`; `None` where there is no such part.
    #[must_use]
    pub fn new(index: u32, of: u32) -> Option<Self> {
        (index < of).then_some(Self { index, of })
    }

    /// Reads `I/N`, I from 1.
    ///
    /// # Errors
    /// When it is something else.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/').and_then(|(i, n)| {
            let (i, n): (u32, u32) = (i.trim().parse().ok()?, n.trim().parse().ok()?);
            Self::new(i.checked_sub(1)?, n)
        });
        parts.ok_or_else(|| format!("`{text}` is no part; expected I/N with I from 1 to N, like 2/4"))
    }

    /// As the scheduler that started this process says, by `variable`; `None` where there is none that gives parts.
    ///
    /// Kubernetes tells an Indexed Job's pods their index (`JOB_COMPLETION_INDEX`) and not how many there are: that is
    /// `PLIMSOLL_SHARDS`. AWS Batch's array jobs and Slurm's job arrays tell both.
    ///
    /// # Errors
    /// When it gives an index, and not of how many.
    pub fn of_scheduler(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let number = |name: &str| variable(name).and_then(|text| text.trim().parse::<u32>().ok());
        let slurm = || {
            let (first, step) = (
                number("SLURM_ARRAY_TASK_MIN").unwrap_or(0),
                number("SLURM_ARRAY_TASK_STEP").unwrap_or(1),
            );
            number("SLURM_ARRAY_TASK_ID").map(|id| id.saturating_sub(first) / step.max(1))
        };
        let told = [
            (
                "JOB_COMPLETION_INDEX",
                number("JOB_COMPLETION_INDEX"),
                "PLIMSOLL_SHARDS",
            ),
            (
                "AWS_BATCH_JOB_ARRAY_INDEX",
                number("AWS_BATCH_JOB_ARRAY_INDEX"),
                "AWS_BATCH_JOB_ARRAY_SIZE",
            ),
            ("SLURM_ARRAY_TASK_ID", slurm(), "SLURM_ARRAY_TASK_COUNT"),
        ];
        let Some((name, index, count)) = told
            .into_iter()
            .find_map(|(name, index, count)| Some((name, index?, count)))
        else {
            return Ok(None);
        };
        // What a scheduler does not tell, whoever wrote the job can.
        let of = number("PLIMSOLL_SHARDS").or_else(|| number(count));
        let of = of.ok_or_else(|| {
            format!("{name} is set and {count} is not: say of how many parts this one is, or give --shard")
        })?;
        let part = Self::new(index, of);
        part.map(Some)
            .ok_or_else(|| format!("{name} is {index}, and there are {of} parts"))
    }

    /// Whether a function is in it.
    #[must_use]
    pub fn holds(self, source: &str, name: &str) -> bool {
        if self.of == 1 {
            return true;
        }
        let mut hash = Sha256::new();
        hash.update(source.as_bytes());
        hash.update([0]);
        hash.update(name.as_bytes());
        let digest = hash.finalize();
        let number = digest.iter().take(8).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
        number % u64::from(self.of) == u64::from(self.index)
    }

    /// Whether it is everything.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.of == 1
    }
}

/// `I/N`; empty for everything.
impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_whole() {
            return Ok(());
        }
        write!(f, "{}/{}", self.index + 1, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_read_and_shown() {
        for (text, expected) in [
            ("1/1", Some("")),
            ("2/4", Some("2/4")),
            (" 4 / 4 ", Some("4/4")),
            ("0/4", None),
            ("5/4", None),
            ("1/0", None),
            ("1", None),
            ("a/b", None),
            ("-1/2", None),
        ] {
            let part = Shard::parse(text).ok().map(|part| part.to_string());
            assert_eq!(part.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn every_function_is_in_one_part_and_the_parts_are_alike() {
        const PARTS: u32 = 5;
        let mut sizes = [0_u32; PARTS as usize];
        for n in 0..2000 {
            let name = format!("function-{n}");
            let holders: Vec<u32> = (0..PARTS)
                .filter(|&i| Shard::new(i, PARTS).is_some_and(|part| part.holds("source", &name)))
                .collect();
            assert_eq!(holders.len(), 1, "{name}");
            sizes[holders[0] as usize] += 1;
        }
        assert!(sizes.iter().all(|&size| (300..500).contains(&size)), "{sizes:?}");
    }

    #[test]
    fn schedulers_tell_the_part() {
        for (variables, expected) in [
            (vec![], Ok("none")),
            (vec![("JOB_COMPLETION_INDEX", "0"), ("PLIMSOLL_SHARDS", "4")], Ok("1/4")),
            (vec![("JOB_COMPLETION_INDEX", "0")], Err("PLIMSOLL_SHARDS")),
            (
                vec![("AWS_BATCH_JOB_ARRAY_INDEX", "3"), ("AWS_BATCH_JOB_ARRAY_SIZE", "4")],
                Ok("4/4"),
            ),
            (
                vec![("AWS_BATCH_JOB_ARRAY_INDEX", "4"), ("AWS_BATCH_JOB_ARRAY_SIZE", "4")],
                Err("there are 4 parts"),
            ),
            (
                vec![
                    ("SLURM_ARRAY_TASK_ID", "12"),
                    ("SLURM_ARRAY_TASK_MIN", "10"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                ],
                Ok("3/3"),
            ),
            (
                vec![
                    ("SLURM_ARRAY_TASK_ID", "4"),
                    ("SLURM_ARRAY_TASK_MIN", "0"),
                    ("SLURM_ARRAY_TASK_STEP", "2"),
                    ("SLURM_ARRAY_TASK_COUNT", "3"),
                ],
                Ok("3/3"),
            ),
        ] {
            let told = Shard::of_scheduler(|name| {
                let variable = variables.iter().find(|(known, _)| *known == name);
                variable.map(|(_, value)| (*value).to_owned())
            });
            match (told, expected) {
                (Ok(None), Ok(shown)) => assert_eq!(shown, "none"),
                (Ok(Some(part)), Ok(shown)) => assert_eq!(part.to_string(), shown),
                (Err(message), Err(part)) => assert!(message.contains(part), "{message}"),
                (told, expected) => panic!("{variables:?}: {told:?}, expected {expected:?}"),
            }
        }
    }
}
