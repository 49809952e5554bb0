//! A run as it was drawn, in a line of text that can be written down and replayed.

use std::fmt;
use std::str::FromStr;

use super::faults::{Injected, Planned};

/// A choice other than the plain order's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Choice {
    /// At which decision, counted from 1.
    pub(super) at: u64,
    /// The place of the thread that has the turn.
    pub(super) place: usize,
}

/// What was drawn in a run: its seed, who went on out of turn, and what went wrong.
///
/// Displayed and parsed as a line of text: `seed 7 workers 2 choices 12>1 30>0 faults 4:fail@2`. A choice `12>1` says that at
/// the 12th decision the thread at place 1 had its turn; a fault `4:fail@2` that the 4th call of a task's function failed at item 2.
///
/// [`Simulation::replay`](super::Simulation::replay) runs it again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub(super) seed: u64,
    pub(super) workers: usize,
    pub(super) choices: Vec<Choice>,
    pub(super) faults: Vec<Injected>,
}

impl Schedule {
    /// The seed, which what is not a matter of order is drawn from.
    #[must_use]
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// How often a thread had its turn that would not have had it in the plain order.
    #[must_use]
    pub fn choices(&self) -> usize {
        self.choices.len()
    }

    /// How many faults there are.
    #[must_use]
    pub fn faults(&self) -> usize {
        self.faults.len()
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {} workers {}", self.seed, self.workers)?;
        if !self.choices.is_empty() {
            f.write_str(" choices")?;
            self.choices.iter().try_for_each(|Choice { at, place }| write!(f, " {at}>{place}"))?;
        }
        if !self.faults.is_empty() {
            f.write_str(" faults")?;
            for Injected { at, what } in &self.faults {
                let (word, number) = what.word();
                write!(f, " {at}:{word}")?;
                if let Some(number) = number {
                    write!(f, "@{number}")?;
                }
            }
        }
        Ok(())
    }
}

/// A text is not a schedule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseScheduleError(String);

impl fmt::Display for ParseScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "parsing a schedule failed at `{}`; one looks like `seed 7 workers 2 choices 12>1 faults 4:fail@2`",
            self.0
        )
    }
}

impl std::error::Error for ParseScheduleError {}

impl FromStr for Schedule {
    type Err = ParseScheduleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut schedule = Self { seed: 0, workers: 0, choices: Vec::new(), faults: Vec::new() };
        let mut part = "";
        for word in text.split_whitespace() {
            let read = match (part, word) {
                (_, "seed" | "workers" | "choices" | "faults") => {
                    part = word;
                    Some(())
                }
                ("seed", word) => word.parse().ok().map(|seed| schedule.seed = seed),
                ("workers", word) => word.parse().ok().map(|workers| schedule.workers = workers),
                ("choices", word) => parse_choice(word).map(|choice| schedule.choices.push(choice)),
                ("faults", word) => parse_fault(word).map(|fault| schedule.faults.push(fault)),
                _ => None,
            };
            read.ok_or_else(|| ParseScheduleError(word.to_owned()))?;
        }
        if part.is_empty() {
            return Err(ParseScheduleError(text.to_owned()));
        }
        schedule.choices.sort_by_key(|choice| choice.at);
        Ok(schedule)
    }
}

fn parse_choice(word: &str) -> Option<Choice> {
    let (at, place) = word.split_once('>')?;
    Some(Choice { at: at.parse().ok()?, place: place.parse().ok()? })
}

fn parse_fault(word: &str) -> Option<Injected> {
    let (at, what) = word.split_once(':')?;
    let (what, number) = match what.split_once('@') {
        Some((what, number)) => (what, Some(number.parse().ok()?)),
        None => (what, None),
    };
    Some(Injected { at: at.parse().ok()?, what: Planned::parse(what, number)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_read_as_it_was_written() {
        let text = "seed 7 workers 2 choices 12>1 30>0 faults 4:fail@2 9:cancel 100:resize@0";
        let schedule: Schedule = text.parse().expect("a schedule");
        assert_eq!(schedule.to_string(), text);
        assert_eq!((schedule.choices(), schedule.faults()), (2, 3));
    }

    #[test]
    fn what_is_no_schedule_is_refused_with_the_word() {
        let error = "seed 7 workers 2 choices 12-1".parse::<Schedule>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "parsing a schedule failed at `12-1`; one looks like `seed 7 workers 2 choices 12>1 faults 4:fail@2`"
        );
    }
}
