//! From checked conditions to SQL. Everything a user wrote is bound, nothing pasted.

use rusqlite::types::Value as Sql;

use super::super::error::Result;
use super::field::{Entity, Field, Subject};
use super::filter::{Condition, Operator, Value};
use super::invalid;

/// The tag that says what data was used for.
const CONTEXT: &str = "mlflow.data.context";

/// A query in the making.
#[derive(Debug, Default)]
pub(crate) struct Clauses {
    joins: String,
    /// Bound by the joins, which come first in the text.
    join_values: Vec<Sql>,
    conditions: Vec<String>,
    values: Vec<Sql>,
    order: Vec<String>,
    ordered: Vec<(Entity, String)>,
}

impl Clauses {
    /// Adds a condition of ours.
    pub(crate) fn condition(
        &mut self,
        sql: impl Into<String>,
        values: impl IntoIterator<Item = Sql>,
    ) {
        self.conditions.push(sql.into());
        self.values.extend(values);
    }

    /// Demands that a column has one of these numbers.
    pub(crate) fn among(&mut self, column: &str, numbers: &[i64]) {
        let marks = vec!["?"; numbers.len()].join(", ");
        self.condition(
            format!("{column} IN ({marks})"),
            numbers.iter().map(|number| Sql::Integer(*number)),
        );
    }

    /// Adds what a user asked for.
    pub(crate) fn filter(&mut self, conditions: &[Condition], subject: &Subject) {
        for condition in conditions {
            match condition.field.entity {
                Entity::Attribute => self.attribute(condition),
                Entity::Dataset => self.dataset(condition),
                _ => self.keyed(condition, subject),
            }
        }
    }

    fn attribute(&mut self, condition: &Condition) {
        let sql = self.comparison(condition.field.column, condition.operator, &condition.value);
        self.conditions.push(sql);
    }

    /// A metric, param or tag: there is one with this key that compares so.
    fn keyed(&mut self, condition: &Condition, subject: &Subject) {
        let field = &condition.field;
        let tables = &subject.tables;
        let table = match field.entity {
            Entity::Metric => tables.metrics,
            Entity::Param => tables.params,
            _ => tables.tags,
        };
        self.values.push(Sql::Text(field.key.clone()));
        // What has no such tag has not that value of it; MLflow's stores say so of prompts alone.
        let lacks = (field.entity, condition.operator) == (Entity::Tag, Operator::NotEqual);
        let (exists, operator) = match condition.operator {
            Operator::IsNull => ("NOT EXISTS", None),
            Operator::IsNotNull => ("EXISTS", None),
            Operator::NotEqual if lacks => ("NOT EXISTS", Some(Operator::Equal)),
            other => ("EXISTS", Some(other)),
        };
        let mut test = operator.map_or_else(
            || "1".to_owned(),
            |operator| self.comparison("x.value", operator, &condition.value),
        );
        if field.entity == Entity::Metric {
            test = match condition.operator {
                Operator::NotEqual => format!("({test} OR x.is_nan)"),
                _ => format!("{test} AND NOT x.is_nan"),
            };
        }
        self.conditions.push(format!(
            "{exists} (SELECT 1 FROM {table} x WHERE x.{} = {} AND x.key = ? AND {test})",
            tables.owner, tables.key
        ));
    }

    fn dataset(&mut self, condition: &Condition) {
        let from = "EXISTS (SELECT 1 FROM run_datasets i JOIN datasets d ON d.id = i.dataset";
        let sql = if condition.field.column.is_empty() {
            self.values.push(Sql::Text(CONTEXT.to_owned()));
            let test = self.comparison("t.value", condition.operator, &condition.value);
            format!(
                "{from} JOIN run_dataset_tags t ON t.input = i.id AND t.key = ? WHERE i.run = r.number AND {test})"
            )
        } else {
            let column = condition.field.column;
            let test = self.comparison(column, condition.operator, &condition.value);
            format!("{from} WHERE i.run = r.number AND {test})")
        };
        self.conditions.push(sql);
    }

    fn comparison(&mut self, column: &str, operator: Operator, value: &Value) -> String {
        let sign = match operator {
            Operator::Equal => "=",
            Operator::NotEqual => "<>",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            Operator::Like => "LIKE",
            Operator::ILike => {
                self.bind(value);
                return format!("lower({column}) LIKE lower(?)");
            }
            Operator::In => return format!("{column} IN ({})", self.bind_list(value)),
            Operator::NotIn => return format!("{column} NOT IN ({})", self.bind_list(value)),
            Operator::IsNull => return format!("{column} IS NULL"),
            Operator::IsNotNull => return format!("{column} IS NOT NULL"),
        };
        self.bind(value);
        format!("{column} {sign} ?")
    }

    fn bind(&mut self, value: &Value) {
        self.values.push(match value {
            Value::Text(text) => Sql::Text(text.clone()),
            Value::Integer(number) => Sql::Integer(*number),
            Value::Number(number) => Sql::Real(*number),
            Value::Nothing | Value::List(_) => Sql::Null,
        });
    }

    fn bind_list(&mut self, value: &Value) -> String {
        let Value::List(values) = value else {
            return String::new();
        };
        for value in values {
            self.bind(value);
        }
        vec!["?"; values.len()].join(", ")
    }

    /// Sorts by a field; what has none, and NaN, come last in either direction.
    pub(crate) fn order_by(
        &mut self,
        field: &Field,
        ascending: bool,
        subject: &Subject,
    ) -> Result<()> {
        let seen = (field.entity, field.key.clone());
        if self.ordered.contains(&seen) {
            return Err(invalid("`order_by` contains duplicate fields"));
        }
        self.ordered.push(seen);
        let tables = &subject.tables;
        let alias = format!("o{}", self.ordered.len());
        let table = match field.entity {
            Entity::Attribute | Entity::Dataset => {
                self.by_column(field.column, ascending);
                return Ok(());
            }
            Entity::Metric => tables.metrics,
            Entity::Param => tables.params,
            Entity::Tag => tables.tags,
        };
        self.join(
            &format!(
                " LEFT JOIN {table} {alias} ON {alias}.{} = {} AND {alias}.key = ?",
                tables.owner, tables.key
            ),
            [Sql::Text(field.key.clone())],
        );
        if field.entity == Entity::Metric {
            self.order.push(format!("coalesce({alias}.is_nan, 2)"));
        }
        self.by_column(&format!("{alias}.value"), ascending);
        Ok(())
    }

    /// Whether it is sorted by this attribute already.
    pub(crate) fn is_ordered_by(&self, attribute: &str) -> bool {
        self.ordered
            .iter()
            .any(|(entity, key)| *entity == Entity::Attribute && key == attribute)
    }

    /// Adds a table to look into.
    pub(crate) fn join(&mut self, sql: &str, values: impl IntoIterator<Item = Sql>) {
        self.joins.push_str(sql);
        self.join_values.extend(values);
    }

    /// Sorts by an expression of ours; nulls come last.
    pub(crate) fn by_column(&mut self, expression: &str, ascending: bool) {
        let direction = if ascending { "ASC" } else { "DESC" };
        self.order
            .push(format!("{expression} {direction} NULLS LAST"));
    }

    /// The query, with what it binds: at most `limit` and one more, from `offset` on.
    pub(crate) fn finish(self, select: &str, limit: usize, offset: usize) -> (String, Vec<Sql>) {
        let conditions = match self.conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", self.conditions.join(" AND ")),
        };
        let order = self.order.join(", ");
        let sql = format!(
            "{select}{}{conditions} ORDER BY {order} LIMIT ? OFFSET ?",
            self.joins
        );
        let mut values = self.join_values;
        values.extend(self.values);
        let number = |n: usize| Sql::Integer(i64::try_from(n).unwrap_or(i64::MAX));
        values.extend([number(limit.saturating_add(1)), number(offset)]);
        (sql, values)
    }
}
