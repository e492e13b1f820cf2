//! `cargo xtask score authlib`: which behaviours of the Python client the tests carry, and whether those tests pass.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::workspace;

/// The list of the behaviours.
const LIST: &str = "tests/authlib/rows.txt";

/// The folder of the tests, one module a file.
const TESTS: &str = "tests/authlib";

/// How many behaviours there are.
const ROWS: u16 = 330;

/// Most rows that one test can carry: what names many asserts few.
const MAX_PER_TEST: usize = 5;

/// Most rows in which Grantry may differ from what is described and from what is advised.
const MAX_DIFFERENT: usize = 40;

/// How Grantry stands to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// It does the same.
    Same,
    /// It does what the description itself advises instead.
    Improved,
    /// It deliberately does something else.
    Different,
    /// The row is about web frameworks, session storages or registries only.
    Framework,
}

impl Class {
    const ALL: [Self; 4] = [Self::Same, Self::Improved, Self::Different, Self::Framework];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Improved => "improved",
            Self::Different => "different",
            Self::Framework => "framework",
        }
    }
}

/// A line of the list.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    class: Class,
    text: String,
}

type Rows = BTreeMap<u16, Row>;

/// A test that names rows.
#[derive(Debug, PartialEq, Eq)]
struct Carrier {
    /// As the test runner prints it.
    test: String,
    rows: BTreeSet<u16>,
}

/// Checks list and tests against each other, runs the tests, prints the counts.
pub(crate) fn run() -> Result<(), String> {
    let (rows, mut problems) = read_rows(&workspace::text(LIST)?);
    let mut carriers = Vec::new();
    for (file, text) in workspace::rust_files(TESTS)? {
        let (found, wrong) = read_carriers(&module(&file), &text);
        carriers.extend(found);
        problems.extend(wrong.iter().map(|problem| format!("{file}: {problem}")));
    }
    problems.extend(check(&rows, &carriers));
    print!("{}", Score { rows: &rows, carriers: &carriers });
    no_problems(problems)?;
    no_problems(failures(&carriers, &results(&run_tests()?)))?;
    println!("\nevery carrying test passes");
    Ok(())
}

fn no_problems(problems: Vec<String>) -> Result<(), String> {
    match problems.len() {
        0 => Ok(()),
        1 => Err(problems.concat()),
        count => Err(format!("{count} problems\n{}", problems.join("\n"))),
    }
}

/// The list, and what is wrong with its lines.
fn read_rows(text: &str) -> (Rows, Vec<String>) {
    let (mut rows, mut problems) = (Rows::new(), Vec::new());
    let mut last = 0;
    for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match read_row(line) {
            Err(problem) => problems.push(format!("{LIST}:{}: {problem}", index + 1)),
            Ok((number, _)) if rows.contains_key(&number) => {
                problems.push(format!("{LIST}:{}: row {number} is listed twice", index + 1));
            }
            Ok((number, row)) => {
                if number < last {
                    problems.push(format!("{LIST}:{}: row {number} stands behind row {last}", index + 1));
                }
                last = number.max(last);
                rows.insert(number, row);
            }
        }
    }
    (rows, problems)
}

fn read_row(line: &str) -> Result<(u16, Row), String> {
    let parts: Vec<&str> = line.splitn(3, '|').map(str::trim).collect();
    let [number, class, text] = parts[..] else { return Err("is not `<number> | <class> | <text>`".to_owned()) };
    let number = row_number(number)?;
    let class = Class::ALL.into_iter().find(|known| known.as_str() == class);
    let class = class.ok_or_else(|| format!("row {number} is of no class; there is: same, improved, different, framework"))?;
    if text.is_empty() {
        return Err(format!("row {number} has no text"));
    }
    Ok((number, Row { class, text: text.to_owned() }))
}

fn row_number(text: &str) -> Result<u16, String> {
    let number = text.parse().ok().filter(|number| (1..=ROWS).contains(number));
    number.ok_or_else(|| format!("there is no row `{text}`; they are 1 to {ROWS}"))
}

/// The module of a file, as the test runner prints it.
fn module(file: &str) -> String {
    let stem = file.strip_prefix(TESTS).unwrap_or(file).trim_start_matches('/');
    let path = stem.strip_suffix(".rs").unwrap_or(stem).replace('/', "::");
    path.strip_suffix("::mod").unwrap_or(&path).to_owned()
}

/// The tests of a file that name rows, and what is wrong with how they do. A test stands at the top level of its file; the comment
/// stands directly above its attributes.
fn read_carriers(module: &str, text: &str) -> (Vec<Carrier>, Vec<String>) {
    let (mut carriers, mut problems) = (Vec::new(), Vec::new());
    let mut lines = text.lines().enumerate();
    while let Some((index, line)) = lines.next() {
        let Some(numbers) = line.trim_start().strip_prefix("// rows:") else { continue };
        let rest: Vec<&str> = lines.clone().map(|(_, line)| line).collect();
        match read_carrier(module, numbers, &rest) {
            Ok(carrier) => carriers.push(carrier),
            Err(problem) => problems.push(format!("line {}: {problem}", index + 1)),
        }
    }
    (carriers, problems)
}

/// A test from the numbers of its comment and the lines below that.
fn read_carrier(module: &str, numbers: &str, below: &[&str]) -> Result<Carrier, String> {
    let attributes: Vec<&str> = below.iter().map(|line| line.trim()).take_while(|line| line.starts_with("#[")).collect();
    if !attributes.iter().any(|attribute| attribute.contains("test")) {
        return Err("no test's attribute stands below `// rows:`".to_owned());
    }
    let declaration = below.get(attributes.len()).and_then(|line| line.split_once("fn "));
    let name = declaration.and_then(|(_, rest)| rest.split(['(', '<']).next()).ok_or("no function stands below `// rows:`")?;
    let mut rows = BTreeSet::new();
    for number in numbers.split(',').map(str::trim) {
        let number = row_number(number)?;
        if !rows.insert(number) {
            return Err(format!("`{name}` names row {number} twice"));
        }
    }
    if rows.len() > MAX_PER_TEST {
        return Err(format!("`{name}` names {} rows; {MAX_PER_TEST} are allowed", rows.len()));
    }
    Ok(Carrier { test: format!("{module}::{name}"), rows })
}

/// What does not fit together.
fn check(rows: &Rows, carriers: &[Carrier]) -> Vec<String> {
    let mut problems = Vec::new();
    let missing: Vec<u16> = (1..=ROWS).filter(|number| !rows.contains_key(number)).collect();
    problems.extend((!missing.is_empty()).then(|| format!("{LIST} does not list: {}", ranges(&missing))));
    let carried: BTreeSet<u16> = carriers.iter().flat_map(|carrier| carrier.rows.iter().copied()).collect();
    let needs_test = rows.iter().filter(|(_, row)| row.class != Class::Framework).map(|(number, _)| *number);
    let untested: Vec<u16> = needs_test.filter(|number| !carried.contains(number)).collect();
    problems.extend((!untested.is_empty()).then(|| format!("no test carries: {}", ranges(&untested))));
    let different = count(rows, Class::Different);
    problems
        .extend((different > MAX_DIFFERENT).then(|| format!("{different} rows are `different`; {MAX_DIFFERENT} are allowed")));
    problems
}

fn count(rows: &Rows, class: Class) -> usize {
    rows.values().filter(|row| row.class == class).count()
}

/// `1-3, 7` for sorted numbers.
fn ranges(numbers: &[u16]) -> String {
    let mut ranges: Vec<(u16, u16)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some((_, end)) if *end + 1 == *number => *end = *number,
            _ => ranges.push((*number, *number)),
        }
    }
    let shown = ranges.iter().map(|(start, end)| if start == end { start.to_string() } else { format!("{start}-{end}") });
    shown.collect::<Vec<_>>().join(", ")
}

/// What the test runner prints.
fn run_tests() -> Result<String, String> {
    let mut command = workspace::cargo();
    command.args(["test", "--locked", "-p", "grantry-tests", "--test", "authlib"]);
    let output = command.output().map_err(|error| format!("cargo test does not start: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    match output.status.success() {
        true => Ok(printed),
        false => Err(format!("cargo test --test authlib failed\n{}{printed}", String::from_utf8_lossy(&output.stderr))),
    }
}

/// The tests that ran, and whether each passed.
fn results(printed: &str) -> BTreeMap<&str, bool> {
    let lines = printed.lines().filter_map(|line| line.strip_prefix("test ")?.split_once(" ... "));
    lines.map(|(test, result)| (test.trim_end_matches(" - should panic"), result == "ok")).collect()
}

/// The carrying tests that did not pass.
fn failures(carriers: &[Carrier], results: &BTreeMap<&str, bool>) -> Vec<String> {
    let problem = |carrier: &Carrier| match results.get(carrier.test.as_str()) {
        Some(true) => None,
        Some(false) => Some(format!("{} did not pass", carrier.test)),
        None => Some(format!("{} did not run", carrier.test)),
    };
    carriers.iter().filter_map(problem).collect()
}

/// The counts per class and the rows that need no test.
struct Score<'a> {
    rows: &'a Rows,
    carriers: &'a [Carrier],
}

impl fmt::Display for Score<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "class       rows  tests")?;
        for class in Class::ALL {
            let is_of_class = |number: &u16| self.rows.get(number).is_some_and(|row| row.class == class);
            let tests = self.carriers.iter().filter(|carrier| carrier.rows.iter().any(is_of_class)).count();
            writeln!(f, "{:<10}  {:>4}  {tests:>5}", class.as_str(), count(self.rows, class))?;
        }
        writeln!(f, "{:<10}  {:>4}  {:>5}", "all", self.rows.len(), self.carriers.len())?;
        writeln!(f, "\nof web frameworks, session storages and registries only:")?;
        for (number, row) in self.rows.iter().filter(|(_, row)| row.class == Class::Framework) {
            writeln!(f, "{number:>5}  {}", row.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carrier(test: &str, rows: &[u16]) -> Carrier {
        Carrier { test: test.to_owned(), rows: rows.iter().copied().collect() }
    }

    fn all_rows(class: impl Fn(u16) -> Class) -> Rows {
        (1..=ROWS).map(|number| (number, Row { class: class(number), text: "x".to_owned() })).collect()
    }

    #[test]
    fn lines_of_the_list() {
        let (rows, problems) = read_rows("1 | same | the URL | with its state\n\n3 | framework | a redirect\n");
        assert_eq!(problems, [""; 0]);
        assert_eq!(rows[&1], Row { class: Class::Same, text: "the URL | with its state".to_owned() });
        assert_eq!(rows[&3].class, Class::Framework);
    }

    #[test]
    fn a_wrong_line_is_named() {
        let text = "2 | same | x\n2 | same | y\n1 | different | x\n331 | same | x\n0 | same | x\n4 | worse | x\n5 | same |\nsix";
        assert_eq!(
            read_rows(text).1,
            [
                "tests/authlib/rows.txt:2: row 2 is listed twice",
                "tests/authlib/rows.txt:3: row 1 stands behind row 2",
                "tests/authlib/rows.txt:4: there is no row `331`; they are 1 to 330",
                "tests/authlib/rows.txt:5: there is no row `0`; they are 1 to 330",
                "tests/authlib/rows.txt:6: row 4 is of no class; there is: same, improved, different, framework",
                "tests/authlib/rows.txt:7: row 5 has no text",
                "tests/authlib/rows.txt:8: is not `<number> | <class> | <text>`",
            ]
        );
    }

    #[test]
    fn tests_that_name_rows() {
        let text = "// rows: 5, 4\n#[tokio::test]\n#[should_panic]\nasync fn a() {\n}\n\n#[test]\nfn b() {}\n\n// rows: 330\n#[test]\nfn c() {}\n";
        let (carriers, problems) = read_carriers("refresh", text);
        assert_eq!(problems, [""; 0]);
        assert_eq!(carriers, [carrier("refresh::a", &[4, 5]), carrier("refresh::c", &[330])]);
        assert_eq!(module("tests/authlib/refresh.rs"), "refresh");
        assert_eq!(module("tests/authlib/a/b.rs"), "a::b");
        assert_eq!(module("tests/authlib/a/mod.rs"), "a");
    }

    #[test]
    fn a_wrong_comment_is_named() {
        let problem = |text: &str| read_carriers("m", text).1.concat();
        assert_eq!(problem("// rows: 1\nfn a() {}\n"), "line 1: no test's attribute stands below `// rows:`");
        assert_eq!(problem("// rows: 1\n\n#[test]\nfn a() {}\n"), "line 1: no test's attribute stands below `// rows:`");
        assert_eq!(problem("// rows: 1\n#[inline]\nfn a() {}\n"), "line 1: no test's attribute stands below `// rows:`");
        assert_eq!(problem("// rows: 1\n#[test]\n"), "line 1: no function stands below `// rows:`");
        assert_eq!(problem("// rows: \n#[test]\nfn a() {}\n"), "line 1: there is no row ``; they are 1 to 330");
        assert_eq!(problem("\n// rows: 1, 400\n#[test]\nfn a() {}\n"), "line 2: there is no row `400`; they are 1 to 330");
        assert_eq!(problem("// rows: 1, 1\n#[test]\nfn a() {}\n"), "line 1: `a` names row 1 twice");
        assert_eq!(problem("// rows: 1,2,3,4,5,6\n#[test]\nfn a() {}\n"), "line 1: `a` names 6 rows; 5 are allowed");
    }

    #[test]
    fn every_row_is_listed_and_carried() {
        let rows = all_rows(|number| if number == 7 { Class::Framework } else { Class::Same });
        let carried: Vec<Carrier> = (1..=ROWS).filter(|row| *row != 7).map(|row| carrier("m::t", &[row])).collect();
        assert_eq!(check(&rows, &carried), [""; 0]);
        assert_eq!(check(&rows, &carried[3..]), ["no test carries: 1-3"]);
        let listed = rows.into_iter().filter(|(number, _)| ![1, 4, 5, 6].contains(number)).collect();
        assert_eq!(check(&listed, &carried), ["tests/authlib/rows.txt does not list: 1, 4-6"]);
    }

    #[test]
    fn few_rows_may_differ() {
        let carried: Vec<Carrier> = (1..=ROWS).map(|row| carrier("m::t", &[row])).collect();
        let rows = |most: u16| all_rows(|number| if number <= most { Class::Different } else { Class::Same });
        assert_eq!(check(&rows(40), &carried), [""; 0]);
        assert_eq!(check(&rows(41), &carried), ["41 rows are `different`; 40 are allowed"]);
    }

    #[test]
    fn a_carrying_test_must_run_and_pass() {
        let printed =
            "running 4 tests\ntest m::a ... ok\ntest m::b ... FAILED\ntest m::c - should panic ... ok\ntest m::d ... ignored\n";
        let carriers = ["m::a", "m::b", "m::c", "m::d", "m::e"].map(|test| carrier(test, &[1]));
        assert_eq!(failures(&carriers, &results(printed)), ["m::b did not pass", "m::d did not pass", "m::e did not run"]);
    }

    #[test]
    fn the_table_counts_rows_and_tests() {
        let (rows, _) = read_rows("1 | same | x\n2 | same | x\n3 | improved | x\n4 | framework | a redirect");
        let carriers = [carrier("m::a", &[1, 3]), carrier("m::b", &[2])];
        assert_eq!(
            Score { rows: &rows, carriers: &carriers }.to_string(),
            "class       rows  tests\nsame           2      2\nimproved       1      1\ndifferent      0      0\nframework      1      0\n\
             all            4      2\n\nof web frameworks, session storages and registries only:\n    4  a redirect\n"
        );
    }
}
