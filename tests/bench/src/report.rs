//! The table of what was measured, and the gates.

use std::fmt;

/// What may not be exceeded.
#[derive(Clone, Copy)]
pub enum Gate {
    AtMost(f64),
    AtLeast(f64),
    /// For information.
    None,
}

impl Gate {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
            Self::None => true,
        }
    }
}

impl fmt::Display for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::AtMost(limit) => format!("<= {limit}"),
            Self::AtLeast(limit) => format!(">= {limit}"),
            Self::None => String::new(),
        };
        f.pad(&text)
    }
}

/// Everything that was measured.
#[derive(Default)]
pub struct Report {
    title: String,
    missed: Vec<String>,
}

impl Report {
    /// Begins the table.
    pub fn new() -> Self {
        println!("{:<46} {:>12}  {:>12} {:<32} {:>7}  gate", "", "Grantry", "", "compared with", "ratio");
        Self::default()
    }

    /// A title over the lines that follow.
    pub fn title(&mut self, title: &str) {
        println!("\n{title}");
        title.clone_into(&mut self.title);
    }

    /// A value beside another, and their ratio, which the gate is for.
    pub fn ratio(&mut self, what: &str, unit: &str, own: f64, other: (&str, f64), gate: Gate) {
        let ratio = own / other.1;
        let (own, others) = (format!("{own:.2} {unit}"), format!("{:.2} {unit}", other.1));
        self.line(what, &own, &others, other.0, &format!("{ratio:.3}"), gate, gate.holds(ratio));
    }

    /// How many times as long another takes, which the gate is for.
    pub fn speed(&mut self, what: &str, unit: &str, own: f64, other: (&str, f64), gate: Gate) {
        let times = other.1 / own;
        let (own, others) = (format!("{own:.2} {unit}"), format!("{:.2} {unit}", other.1));
        self.line(what, &own, &others, other.0, &format!("{times:.1} x"), gate, gate.holds(times));
    }

    /// A value, which the gate is for.
    pub fn value(&mut self, what: &str, unit: &str, own: f64, other: Option<(&str, f64)>, gate: Gate) {
        let others = other.map(|(_, value)| format!("{value:.2} {unit}")).unwrap_or_default();
        let name = other.map(|(name, _)| name).unwrap_or_default();
        self.line(what, &format!("{own:.2} {unit}"), &others, name, "", gate, gate.holds(own));
    }

    #[expect(clippy::too_many_arguments, reason = "the cells of a line")]
    fn line(&mut self, what: &str, own: &str, others: &str, name: &str, ratio: &str, gate: Gate, holds: bool) {
        let mark = if holds { "" } else { "MISSED" };
        println!("  {what:<44} {own:>12}  {others:>12} {name:<32} {ratio:>7}  {gate:<8} {mark}");
        if !holds {
            self.missed.push(format!("{}, {what}", self.title));
        }
    }

    /// A gate that could not be measured counts as missed.
    pub fn unmeasured(&mut self, what: &str) {
        println!("  {what:<44} NOT MEASURED");
        self.missed.push(what.to_owned());
    }

    /// Says which gates were missed; whether none was.
    pub fn end(&self) -> bool {
        match self.missed.as_slice() {
            [] => println!("\nevery gate holds"),
            missed => println!("\nmissed: {}", missed.join("; ")),
        }
        self.missed.is_empty()
    }
}
