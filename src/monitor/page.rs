//! The report as one page for people, that needs nothing else.

use hpipe_plot::{
    Axis, Band, Chart, Figure, KeyFigure, Line, Mark, Outcome, Page, PageTable, Points, TableCell,
    Tone, Verdict, format_number,
};

use crate::alerts::Severity;
use crate::errors::Errors;
use crate::quality::Check;
use crate::report::{BatchReport, Report, said};
use crate::window::Drift;

/// Alerts and batches that a page shows; the JSON has all.
const MOST: usize = 500;

impl Report {
    /// The report as HTML; `model` names what was watched, `input` what came in.
    pub fn to_html(&self, model: &str, input: &str) -> String {
        let page = Page::new(format!("Monitoring {model}"))
            .subtitle(format!(
                "{input}: {} rows, {} of them predicted, {} batches",
                self.rows, self.valid, self.batch_count
            ))
            .verdict(of_report(self), about(self))
            .key_figures(self.key_figures());
        let page = self.with_alerts(page);
        let page = self.with_batches(page);
        let page = self.with_drift(page);
        self.with_parts(page).to_html()
    }

    fn key_figures(&self) -> Vec<KeyFigure> {
        let figure = |(name, value): (&str, f64)| KeyFigure {
            label: name.to_owned(),
            value: format_number(value, 4),
            detail: self
                .reference
                .get(name)
                .map(|was| format!("was {}", format_number(*was, 4)))
                .unwrap_or_default(),
        };
        self.errors
            .iter()
            .flat_map(|errors| errors.named())
            .map(figure)
            .collect()
    }

    fn with_alerts(&self, page: Page) -> Page {
        let page = page.section("Alerts");
        if self.alerts.is_empty() {
            return page.paragraph("None.");
        }
        let row = |alert: &crate::Alert| {
            let batch = alert
                .batch
                .map_or_else(|| "all".to_owned(), |batch| batch.to_string());
            let p = alert
                .p
                .map_or_else(|| "–".into(), |p| TableCell::Number(p, 2));
            vec![
                TableCell::Verdict(verdict(Some(alert.severity))),
                alert.kind.name().into(),
                TableCell::Text(alert.subject.clone()),
                TableCell::Text(batch),
                p,
                TableCell::Text(alert.message.clone()),
            ]
        };
        let columns = ["severity", "kind", "of", "batch", "p", "what"];
        let mut alerts: Vec<_> = self.alerts.iter().collect();
        alerts.sort_by_key(|alert| std::cmp::Reverse(alert.severity));
        let caption = format!(
            "{} alerts; {} more were told a short while before",
            alerts.len(),
            self.suppressed
        );
        page.table(table(
            &caption,
            &columns,
            alerts.into_iter().take(MOST).map(row).collect(),
        ))
    }

    fn with_batches(&self, page: Page) -> Page {
        let known = |batch: &&BatchReport| batch.errors.is_some();
        let batches: Vec<_> = self.batches.iter().filter(known).take(MOST).collect();
        if batches.is_empty() {
            return page;
        }
        let rmse = |batch: &&BatchReport| Some((batch.number as f64, batch.errors?.rmse));
        let expected = |batch: &&BatchReport| {
            batch
                .expected_rmse
                .map(|[middle, worst]| (batch.number as f64, middle, worst))
        };
        let chart = Chart::new(
            Axis::linear("batch"),
            Axis::linear(format!("RMSE of {}", self.target)).from(0.0),
        )
        .with(Mark::Band(Band {
            places: batches.iter().filter_map(expected).collect(),
            tone: Tone::Series(1),
            name: Some("without drift: from the middle to the worst hundredth".to_owned()),
        }))
        .with(Mark::Line(
            Line::new(batches.iter().filter_map(rmse).collect()).series(0, "batch"),
        ))
        .with(Mark::Points(
            Points::new(
                batches
                    .iter()
                    .filter(|batch| batch.is_alarm)
                    .filter_map(rmse)
                    .collect(),
            )
            .series(2, "alarm"),
        ));
        let figure = Figure::new("Errors, batch by batch", chart)
            .width(900.0)
            .panel_height(280.0);
        page.section("Batches").picture(figure.draw())
    }

    fn with_drift(&self, page: Page) -> Page {
        if self.drift.is_empty() {
            return page;
        }
        let row = |drift: &Drift| {
            let found = drift.distances;
            let number = |x: Option<f64>| x.map_or_else(|| "–".into(), |x| TableCell::Number(x, 3));
            vec![
                TableCell::Text(drift.subject.name().to_owned()),
                TableCell::Verdict(verdict(drift.severity)),
                number(found.map(|found| found.psi)),
                number(found.map(|found| found.psi_critical)),
                number(found.map(|found| found.test.statistic)),
                number(found.and_then(|found| found.wasserstein)),
                number(found.map(|found| found.jensen_shannon)),
                number(Some(drift.missing_share() * 100.0)),
                number(Some(drift.p)),
            ]
        };
        let columns = [
            "column",
            "drift",
            "PSI",
            "by chance",
            "KS or χ²",
            "Wasserstein",
            "Jensen–Shannon",
            "missing %",
            "p, corrected",
        ];
        let rows = self.drift.iter().take(MOST).map(row).collect();
        let page =
            page.section("Drift")
                .table(table("Columns before the reference", &columns, rows));
        let Some(found) = &self.multivariate else {
            return page;
        };
        let most = found
            .columns
            .iter()
            .map(|(name, share)| format!("{name} {:.0} %", share * 100.0));
        page.paragraph(format!(
            "All columns together: a classifier puts a new row above an old one in {:.1} % of all pairs (a half by chance, p {:.2}); \
             what tells most: {}.",
            found.auc * 100.0,
            found.p,
            most.collect::<Vec<_>>().join(", ")
        ))
    }

    fn with_parts(&self, mut page: Page) -> Page {
        if !self.findings.is_empty() {
            let line = |((check, column), found): (&(Check, String), &crate::Found)| {
                format!("{column}: {}", said(*check, found, self.rows))
            };
            page = page
                .section("Quality of the rows")
                .list(self.findings.iter().map(line).collect());
        }
        if self.segments.is_empty() {
            return page;
        }
        let row = |segment: &crate::Segment| {
            let Errors {
                rows,
                rmse,
                mae,
                bias,
                ..
            } = segment.errors;
            let numbers = [rows as f64, rmse, mae, bias].map(|x| TableCell::Number(x, 4));
            let words = [&segment.by, &segment.part].map(|text| TableCell::Text(text.clone()));
            let was = segment
                .judged
                .map(|judged| TableCell::Number(judged.reference_mae, 4));
            let told = segment
                .judged
                .map(|judged| TableCell::Verdict(verdict(judged.severity)));
            let judged = [was, told].map(|cell| cell.unwrap_or_else(|| "–".into()));
            words.into_iter().chain(numbers).chain(judged).collect()
        };
        let columns = [
            "by", "part", "rows", "RMSE", "MAE", "bias", "MAE was", "verdict",
        ];
        page.section("Segments").table(table(
            "Errors by part of the data",
            &columns,
            self.segments.iter().map(row).collect(),
        ))
    }
}

fn about(report: &Report) -> String {
    match (report.has_reference, report.severity()) {
        (false, _) => "No profile is kept with this version: errors are measured, and nothing is there to judge them by.".to_owned(),
        (_, None) => "Nothing that chance does not do.".to_owned(),
        (_, Some(_)) => format!("{} of {} batches raised an alarm.", report.alarmed, report.batch_count),
    }
}

fn of_report(report: &Report) -> Verdict {
    match report.status() {
        "unjudged" => Verdict {
            outcome: Outcome::Warning,
            words: "unjudged".to_owned(),
        },
        _ => verdict(report.severity()),
    }
}

fn verdict(severity: Option<Severity>) -> Verdict {
    let outcome = match severity {
        None => Outcome::Pass,
        Some(Severity::Warning) => Outcome::Warning,
        Some(Severity::Critical) => Outcome::Fail,
    };
    Verdict {
        outcome,
        words: severity.map_or("ok", Severity::name).to_owned(),
    }
}

fn table(caption: &str, columns: &[&str], rows: Vec<Vec<TableCell>>) -> PageTable {
    PageTable {
        caption: caption.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        rows,
        strong: None,
    }
}
