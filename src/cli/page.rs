//! What commands that read a book say, as plain data, and its three forms: text, JSON, HTML.
//!
//! Tables are sheets, so that each form has the same rows; words are in English and Chinese.

use crate::audit::export::html::Head;
use crate::audit::export::{Cell, Column, Sheet, html, json_lines, text};
use crate::cli::plan::table::folded;
use crate::cli::{CliError, Report};
use crate::config::Rational;
use crate::monitor::Lang;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

/// How a report is to be written.
#[derive(Debug, clap::Args)]
pub(super) struct Forms {
    /// The language: by default what the environment says.
    #[arg(long)]
    lang: Option<Lang>,
    /// Write an HTML page to this file as well.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

impl Forms {
    /// Text or JSON alone, in this language.
    pub(super) const fn of(lang: Lang) -> Self {
        Self { lang: Some(lang), html: None }
    }
}

/// A sentence in both languages.
pub(super) type Both = [String; 2];

/// The same words in both.
pub(super) fn same(text: impl Into<String>) -> Both {
    let text = text.into();
    [text.clone(), text]
}

/// A report.
#[derive(Default)]
pub(super) struct Page {
    /// `xmc.hedge.show`.
    pub schema: &'static str,
    /// What stands above.
    pub title: Both,
    /// Lines below that.
    pub lines: Vec<Both>,
    /// Further fields of the JSON report.
    pub fields: Map<String, Value>,
    /// The tables.
    pub sheets: Vec<Sheet>,
    /// Sentences below the tables.
    pub notes: Vec<Both>,
    /// What needs a person; any of them is exit code 1.
    pub findings: Vec<Both>,
}

/// A column.
pub(super) const fn column(key: &'static str, title: [&'static str; 2]) -> Column {
    Column { key, title }
}

/// A number of which people see so many digits.
pub(super) fn number(value: Rational, digits: u8) -> Cell {
    value.nearest(1_000_000_000).map_or_else(too_large, |e9| Cell::Fixed(e9, digits))
}

fn too_large() -> Cell {
    Cell::Text("beyond 1e29".to_owned())
}

/// A number, or nothing.
pub(super) fn optional(value: Option<Rational>, digits: u8) -> Cell {
    value.map_or(Cell::None, |value| number(value, digits))
}

/// The same as text for sentences.
pub(super) fn said(value: Rational, digits: u8) -> String {
    number(value, digits).shown()
}

/// A float to nine places.
pub(super) fn float(value: f64, digits: u8) -> Cell {
    if !value.is_finite() || value.abs() > 1e18 {
        return Cell::None;
    }
    Cell::Fixed((value * 1e9).round() as i128, digits)
}

/// Words that differ by language; columns of them come in pairs, `key` and `key_zh`.
pub(super) fn words(titles: [&str; 2]) -> [Cell; 2] {
    titles.map(|title| Cell::Text(title.to_owned()))
}

/// A cell of text.
pub(super) fn plain(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

impl Page {
    /// Writes it in the forms that are asked for.
    ///
    /// # Errors
    /// If a file or the report cannot be written.
    pub(super) fn write(self, forms: &Forms, out: &mut Report<'_>) -> Result<(), CliError> {
        let lang = forms.lang.unwrap_or_else(Lang::of_environment);
        if let Some(path) = &forms.html {
            self.html(path, lang)?;
        }
        if out.is_json() {
            return Ok(out.json(self.schema, 1, &self.json())?);
        }
        let place = usize::from(lang == Lang::Zh);
        writeln!(out, "{}", self.title[place])?;
        for line in &self.lines {
            folded(out, "", &line[place])?;
        }
        for sheet in self.sheets.iter().filter(|sheet| !sheet.rows.is_empty()) {
            text::write(sheet, lang, out)?;
        }
        if !self.notes.is_empty() {
            writeln!(out)?;
        }
        for note in &self.notes {
            folded(out, "  ", &note[place])?;
        }
        if !self.findings.is_empty() {
            writeln!(out, "\n{}", ["findings", "异常"][place])?;
        }
        for finding in &self.findings {
            folded(out, "  ! ", &finding[place])?;
        }
        Ok(())
    }

    /// The fields of the JSON report.
    pub(super) fn json(&self) -> Value {
        let mut all = self.fields.clone();
        let english =
            |sentences: &[Both]| sentences.iter().map(|both| json!(both[0])).collect::<Vec<_>>();
        all.insert("findings".to_owned(), json!(english(&self.findings)));
        for sheet in &self.sheets {
            let row = |row: &Vec<Cell>| {
                let cells = sheet.columns.iter().zip(row);
                let pairs =
                    cells.map(|(column, cell)| (column.key.to_owned(), json_lines::value(cell)));
                Value::Object(pairs.collect())
            };
            let rows: Vec<_> = sheet.rows.iter().map(row).collect();
            all.insert(sheet.name.to_owned(), json!(rows));
        }
        Value::Object(all)
    }

    fn html(&self, path: &Path, lang: Lang) -> Result<(), CliError> {
        let place = usize::from(lang == Lang::Zh);
        let told = self.lines.iter().chain(&self.notes).map(|line| line[place].clone());
        let found = self.findings.iter().map(|line| format!("! {}", line[place]));
        let head = Head { title: self.title[place].clone(), lines: told.chain(found).collect() };
        let sheets: Vec<_> = self.sheets.iter().map(|sheet| in_lang(sheet, lang)).collect();
        let failed = |error: std::io::Error| {
            CliError::could_not_run(format!("cannot write {}: {error}", path.display()))
        };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        html::write(&head, &sheets, &BTreeMap::new(), lang, &mut file).map_err(failed)?;
        file.flush().map_err(failed)
    }
}

/// A sheet with the columns of one language.
fn in_lang(sheet: &Sheet, lang: Lang) -> Sheet {
    let is_shown = |key: &str| match lang {
        Lang::En => !key.ends_with("_zh"),
        Lang::Zh => !sheet.columns.iter().any(|other| other.key == format!("{key}_zh")),
    };
    let places: Vec<usize> =
        (0..sheet.columns.len()).filter(|place| is_shown(sheet.columns[*place].key)).collect();
    let pick = |row: &Vec<Cell>| places.iter().map(|place| row[*place].clone()).collect();
    Sheet {
        columns: places.iter().map(|place| sheet.columns[*place]).collect(),
        rows: sheet.rows.iter().map(pick).collect(),
        ..sheet.clone()
    }
}
