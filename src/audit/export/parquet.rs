//! Parquet, readable by DuckDB, ClickHouse, Spark and pandas: one file a sheet, zstd.
//!
//! Counts and times are INT64, words UTF8, money and prices DECIMAL(38, 9) in 16 bytes, fractions
//! DOUBLE. Every column may be null. In a directory partitioned as `dt=2026-11-21/site=1`.

use super::{Cell, Sheet};
use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int64Type,
};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::io::Write;
use std::sync::Arc;

/// What a column is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Int,
    Text,
    Decimal,
    Double,
}

/// The form of a column: that of its cells that are something.
fn form(sheet: &Sheet, place: usize) -> Form {
    let cells = sheet.rows.iter().map(|row| &row[place]);
    let is = |cell: &Cell| match cell {
        Cell::None => None,
        Cell::Text(_) => Some(Form::Text),
        Cell::Int(_) | Cell::Ns(_) => Some(Form::Int),
        Cell::E9(_) | Cell::Fixed(..) => Some(Form::Decimal),
        Cell::Ratio(..) | Cell::Times(..) => Some(Form::Double),
    };
    let mut forms: Vec<Form> = cells.filter_map(is).collect();
    forms.dedup();
    match forms.as_slice() {
        [] => Form::Int,
        [one] => *one,
        // A column of figures of many sorts, as in a summary.
        _ => Form::Text,
    }
}

/// Writes a sheet as a file.
///
/// # Errors
/// What the format or the output says.
pub fn write(sheet: &Sheet, out: impl Write + Send) -> Result<(), ParquetError> {
    let forms: Vec<Form> = (0..sheet.columns.len()).map(|place| form(sheet, place)).collect();
    let fields = sheet.columns.iter().zip(&forms).map(|(column, form)| field(column.key, *form));
    let fields = fields.collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder(sheet.name).with_fields(fields).build()?;
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_created_by("xmc".to_owned())
        .build();
    let mut file = SerializedFileWriter::new(out, Arc::new(schema), Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for (place, form) in forms.iter().enumerate() {
        let Some(mut column) = group.next_column()? else { break };
        let cells: Vec<&Cell> = sheet.rows.iter().map(|row| &row[place]).collect();
        match form {
            Form::Int => {
                let (values, levels) = split(&cells, int);
                column.typed::<Int64Type>().write_batch(&values, Some(&levels), None)?;
            }
            Form::Text => {
                let (values, levels) = split(&cells, |cell| match cell {
                    Cell::None => None,
                    cell => Some(ByteArray::from(cell.plain().into_bytes())),
                });
                column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
            }
            Form::Decimal => {
                let (values, levels) = split(&cells, |cell| match cell {
                    Cell::E9(value) | Cell::Fixed(value, _) => {
                        Some(FixedLenByteArray::from(value.to_be_bytes().to_vec()))
                    }
                    _ => None,
                });
                column.typed::<FixedLenByteArrayType>().write_batch(
                    &values,
                    Some(&levels),
                    None,
                )?;
            }
            Form::Double => {
                let (values, levels) = split(&cells, |cell| cell.plain().parse::<f64>().ok());
                column.typed::<DoubleType>().write_batch(&values, Some(&levels), None)?;
            }
        }
        column.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(())
}

fn int(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Int(value) => Some(*value),
        Cell::Ns(ns) => Some(i64::try_from(*ns).unwrap_or(i64::MAX)),
        _ => None,
    }
}

/// The values that are there, and for each row whether it has one.
fn split<T>(cells: &[&Cell], value: impl Fn(&Cell) -> Option<T>) -> (Vec<T>, Vec<i16>) {
    let values: Vec<Option<T>> = cells.iter().map(|cell| value(cell)).collect();
    let levels = values.iter().map(|value| i16::from(value.is_some())).collect();
    (values.into_iter().flatten().collect(), levels)
}

fn field(key: &str, form: Form) -> Result<Arc<Type>, ParquetError> {
    let physical = match form {
        Form::Int => Physical::INT64,
        Form::Text => Physical::BYTE_ARRAY,
        Form::Decimal => Physical::FIXED_LEN_BYTE_ARRAY,
        Form::Double => Physical::DOUBLE,
    };
    let builder = Type::primitive_type_builder(key, physical).with_repetition(Repetition::OPTIONAL);
    let builder = match form {
        Form::Text => builder.with_logical_type(Some(LogicalType::String)),
        Form::Decimal => builder
            .with_length(16)
            .with_logical_type(Some(LogicalType::decimal(9, 38)))
            .with_precision(38)
            .with_scale(9),
        Form::Int | Form::Double => builder,
    };
    Ok(Arc::new(builder.build()?))
}
