//! Searches: what is asked for ([`query`](super::query)) and what is found.

use rusqlite::types::Value as Sql;
use rusqlite::{Row, params_from_iter};

use super::error::Result;
use super::query::{
    self, Clauses, Condition, ExperimentQuery, LoggedModelQuery, ModelOrder, Page, RegistryQuery,
    RunQuery,
};
use super::registered_models::IS_PROMPT;
use super::values::{
    DatasetFilter, Experiment, LoggedModel, ModelVersion, RegisteredModel, Run, View,
};
use super::{Records, experiments, logged_models, model_versions, registered_models, runs};

impl Records<'_> {
    /// The runs that fit a query, the youngest first unless it says otherwise.
    ///
    /// # Errors
    /// When filter or order mean nothing.
    pub fn search_runs(&self, query: &RunQuery) -> Result<Page<Run>> {
        let mut clauses = Clauses::default();
        clauses.among("r.experiment", &query.experiments);
        lifecycle(&mut clauses, "r.is_deleted", query.view);
        if !query.names.is_empty() {
            let marks = vec!["?"; query.names.len()].join(", ");
            let names = query.names.iter().cloned().map(Sql::Text);
            clauses.condition(format!("r.name IN ({marks})"), names);
        }
        clauses.filter(&query::parse(&query.filter, &query::RUNS)?, &query::RUNS);
        for order in &query.order {
            let (field, ascending) = query::order(order, &query::RUNS)?;
            clauses.order_by(&field, ascending, &query::RUNS)?;
        }
        if !clauses.is_ordered_by("start_time") {
            clauses.by_column("r.start_time", false);
        }
        clauses.by_column("r.id", true);
        let select = format!("SELECT {} FROM runs r", runs::COLUMNS);
        let found = self.found(clauses, &select, query.limit, query.offset, runs::from_row)?;
        Ok(Page {
            items: self.whole_runs(found.items)?,
            next: found.next,
        })
    }

    /// The experiments that fit a query, the youngest first unless it says otherwise.
    ///
    /// # Errors
    /// When filter or order mean nothing.
    pub fn search_experiments(&self, query: &ExperimentQuery) -> Result<Page<Experiment>> {
        let subject = &query::EXPERIMENTS;
        let mut clauses = Clauses::default();
        lifecycle(&mut clauses, "e.is_deleted", query.view);
        clauses.filter(&query::parse(&query.filter, subject)?, subject);
        for order in &query.order {
            let (field, ascending) = query::order(order, subject)?;
            clauses.order_by(&field, ascending, subject)?;
        }
        if query.order.is_empty() {
            clauses.by_column("e.created", false);
            clauses.by_column("e.id", true);
        } else if !clauses.is_ordered_by("experiment_id") {
            clauses.by_column("e.id", false);
        }
        let select = format!("SELECT {} FROM experiments e", experiments::COLUMNS);
        let found = self.found(
            clauses,
            &select,
            query.limit,
            query.offset,
            experiments::from_row,
        )?;
        found.try_map(|mut experiment| {
            experiment.tags = self.experiment_tags(experiment.id)?;
            Ok(experiment)
        })
    }

    /// The registered models that fit a query, by name unless it says otherwise; prompts only if they are asked for.
    ///
    /// # Errors
    /// When filter or order mean nothing.
    pub fn search_registered_models(&self, query: &RegistryQuery) -> Result<Page<RegisteredModel>> {
        let subject = &query::MODELS;
        let mut clauses = Clauses::default();
        let conditions = query::parse(&query.filter, subject)?;
        registry_filter(&mut clauses, &conditions, subject);
        for order in &query.order {
            let (field, ascending) = query::order(order, subject)?;
            clauses.order_by(&field, ascending, subject)?;
        }
        clauses.by_column("m.name", true);
        let select = format!(
            "SELECT {} FROM registered_models m",
            registered_models::COLUMNS
        );
        let found = self.found(
            clauses,
            &select,
            query.limit,
            query.offset,
            registered_models::from_row,
        )?;
        found.try_map(|(number, model)| self.whole_model(number, model))
    }

    /// The model versions that fit a query, those last changed first unless it says otherwise.
    ///
    /// # Errors
    /// When filter or order mean nothing.
    pub fn search_model_versions(&self, query: &RegistryQuery) -> Result<Page<ModelVersion>> {
        let subject = &query::VERSIONS;
        let mut clauses = Clauses::default();
        clauses.condition("NOT v.is_deleted", []);
        let conditions = query::parse(&query.filter, subject)?;
        registry_filter(&mut clauses, &conditions, subject);
        for order in &query.order {
            let (field, ascending) = query::order(order, subject)?;
            clauses.order_by(&field, ascending, subject)?;
        }
        if query.order.is_empty() {
            clauses.by_column("v.updated", false);
        }
        clauses.by_column("m.name", true);
        clauses.by_column("v.version", false);
        let select = format!(
            "SELECT {} FROM model_versions v JOIN registered_models m ON m.number = v.model",
            model_versions::COLUMNS
        );
        let found = self.found(
            clauses,
            &select,
            query.limit,
            query.offset,
            model_versions::from_row,
        )?;
        found.try_map(|(number, version)| self.whole_version(number, version))
    }

    /// The logged models that fit a query, the youngest first unless it says otherwise.
    ///
    /// # Errors
    /// When filter or order mean nothing.
    pub fn search_logged_models(&self, query: &LoggedModelQuery) -> Result<Page<LoggedModel>> {
        let subject = &query::LOGGED_MODELS;
        let mut clauses = Clauses::default();
        clauses.among("l.experiment", &query.experiments);
        clauses.condition("NOT l.is_deleted", []);
        clauses.filter(&query::parse(&query.filter, subject)?, subject);
        measured_on(&mut clauses, &query.datasets);
        for (index, order) in query.order.iter().enumerate() {
            model_order(&mut clauses, order, index)?;
        }
        if !clauses.is_ordered_by("creation_timestamp") {
            clauses.by_column("l.created", false);
        }
        clauses.by_column("l.id", true);
        let select = format!("SELECT {} FROM logged_models l", logged_models::COLUMNS);
        let found = self.found(
            clauses,
            &select,
            query.limit,
            query.offset,
            logged_models::from_row,
        )?;
        found.try_map(|model| self.whole_logged_model(model))
    }

    fn found<T>(
        &self,
        clauses: Clauses,
        select: &str,
        limit: usize,
        offset: usize,
        from_row: fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Page<T>> {
        let (sql, values) = clauses.finish(select, limit, offset);
        let mut statement = self.connection.prepare_cached(&sql)?;
        let rows = statement.query_map(params_from_iter(values), from_row)?;
        let rows = rows.collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Page::cut(rows, Some(limit), offset))
    }
}

impl<T> Page<T> {
    fn try_map<U>(self, map: impl FnMut(T) -> Result<U>) -> Result<Page<U>> {
        Ok(Page {
            items: self.items.into_iter().map(map).collect::<Result<_>>()?,
            next: self.next,
        })
    }
}

fn lifecycle(clauses: &mut Clauses, column: &str, view: View) {
    match view {
        View::Active => clauses.condition(format!("{column} = 0"), []),
        View::Deleted => clauses.condition(format!("{column} = 1"), []),
        View::All => {}
    }
}

/// Adds conditions on registered models or versions. What MLflow keeps there but is a prompt is left out, unless the filter
/// asks for prompts.
fn registry_filter(clauses: &mut Clauses, conditions: &[Condition], subject: &query::Subject) {
    clauses.filter(conditions, subject);
    if !conditions
        .iter()
        .any(|condition| condition.asks_for(IS_PROMPT))
    {
        clauses.condition(
            "NOT EXISTS (SELECT 1 FROM registered_model_tags p WHERE p.model = m.number AND p.key = ? AND p.value = 'true')",
            [Sql::Text(IS_PROMPT.to_owned())],
        );
    }
}

/// Demands a metric measured on one of the data.
fn measured_on(clauses: &mut Clauses, datasets: &[DatasetFilter]) {
    if datasets.is_empty() {
        return;
    }
    let mut values = Vec::new();
    let tests: Vec<_> = datasets
        .iter()
        .map(|data| dataset_test("x", data, &mut values))
        .collect();
    clauses.condition(
        format!(
            "EXISTS (SELECT 1 FROM logged_model_metrics x WHERE x.model = l.id AND ({}))",
            tests.join(" OR ")
        ),
        values,
    );
}

fn dataset_test(alias: &str, data: &DatasetFilter, values: &mut Vec<Sql>) -> String {
    values.push(Sql::Text(data.name.clone()));
    let name = format!("{alias}.dataset_name = ?");
    match &data.digest {
        None => name,
        Some(digest) => {
            values.push(Sql::Text(digest.clone()));
            format!("({name} AND {alias}.dataset_digest = ?)")
        }
    }
}

/// Sorts logged models; by a metric, of which the youngest value counts.
fn model_order(clauses: &mut Clauses, order: &ModelOrder, index: usize) -> Result<()> {
    let Some(metric) = order.field.strip_prefix("metrics.") else {
        if order.field.contains('.') {
            return Err(query::invalid(format!(
                "Invalid order by field name: {}. Only metrics are supported.",
                order.field
            )));
        }
        let (field, _) = query::order(&order.field, &query::LOGGED_MODELS)
            .map_err(|_| query::invalid(format!("Invalid order by field name: {}", order.field)))?;
        return clauses.order_by(&field, order.ascending, &query::LOGGED_MODELS);
    };
    let mut values = vec![Sql::Text(metric.to_owned())];
    let on = match &order.dataset {
        Some(data) => format!(" AND {}", dataset_test("y", data, &mut values)),
        None => String::new(),
    };
    let alias = format!("lm{index}");
    clauses.join(
        &format!(
            " LEFT JOIN (SELECT model, value, is_nan FROM (SELECT y.model, y.value, y.is_nan, row_number() OVER
             (PARTITION BY y.model ORDER BY y.timestamp DESC, y.step DESC, y.run) AS place FROM logged_model_metrics y
             WHERE y.key = ?{on}) WHERE place = 1) {alias} ON {alias}.model = l.id"
        ),
        values,
    );
    clauses.by_column(&format!("coalesce({alias}.is_nan, 2)"), true);
    clauses.by_column(&format!("{alias}.value"), order.ascending);
    Ok(())
}
