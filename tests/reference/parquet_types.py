"""A parquet file with a column of every type that users' tables have and polars, as we build it, has not.

Four rows, the third without a value. Written by pyarrow as it does by default; read by stages/frame/logical.rs.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install pyarrow
    /tmp/venv/bin/python tests/reference/parquet_types.py     # writes tests/reference/parquet_types.parquet
"""

import datetime
import decimal
import pathlib

import pyarrow
import pyarrow.parquet

HERE = pathlib.Path(__file__).resolve().parent
DAY = datetime.date(2024, 2, 29), datetime.date(1969, 12, 31), None, datetime.date(1970, 1, 1)
MOMENT = [day and datetime.datetime(day.year, day.month, day.day, 12, 30, 15, 250_000) for day in DAY]
MONEY = [value and decimal.Decimal(value) for value in ("12345678901.25", "-0.50", None, "0.01")]
CLOCK = [moment and moment.time() for moment in MOMENT]
INTEGERS = {
    "int8": ([127, -128, None, 0], pyarrow.int8()),
    "int16": ([32767, -32768, None, 0], pyarrow.int16()),
    "int32": ([2**31 - 1, -(2**31), None, 0], pyarrow.int32()),
    "uint8": ([255, 1, None, 0], pyarrow.uint8()),
    "uint16": ([65535, 1, None, 0], pyarrow.uint16()),
    "uint32": ([2**32 - 1, 1, None, 0], pyarrow.uint32()),
    "uint64": ([2**63 - 1, 1, None, 0], pyarrow.uint64()),
}
OTHERS = {
    "float": ([0.5, -2.0, None, 0.0], pyarrow.float32()),
    "bool": ([True, False, None, False], pyarrow.bool_()),
    "date32": (DAY, pyarrow.date32()),
    "date64": (DAY, pyarrow.date64()),
    "timestamp_s": (MOMENT, pyarrow.timestamp("s")),
    "timestamp_ms": (MOMENT, pyarrow.timestamp("ms")),
    "timestamp_us": (MOMENT, pyarrow.timestamp("us", tz="UTC")),
    "timestamp_ns": (MOMENT, pyarrow.timestamp("ns", tz="America/Los_Angeles")),
    "time32": (CLOCK, pyarrow.time32("ms")),
    "time64": (CLOCK, pyarrow.time64("us")),
    "decimal": (MONEY, pyarrow.decimal128(18, 2)),
    "text": (["a", "é", None, ""], pyarrow.string()),
    "large_text": (["a", "é", None, ""], pyarrow.large_string()),
    "category": (["a", "é", None, "a"], pyarrow.dictionary(pyarrow.int8(), pyarrow.string())),
}


def main():
    columns = {}
    for name, (values, kind) in (INTEGERS | OTHERS).items():
        if pyarrow.types.is_timestamp(kind) and kind.unit == "s":
            values = [value and value.replace(microsecond=0) for value in values]
        if pyarrow.types.is_dictionary(kind):
            columns[name] = pyarrow.array(values).dictionary_encode()
        else:
            columns[name] = pyarrow.array(values, kind)
    # a decimal may be a whole number in the file
    table = pyarrow.table(columns)
    pyarrow.parquet.write_table(table, HERE / "parquet_types.parquet", compression="zstd")
    short = table.select(["decimal"])
    pyarrow.parquet.write_table(short, HERE / "parquet_decimals.parquet", store_decimal_as_integer=True)
    unread = pyarrow.table({"x": [1], "list": [[1, 2]], "duration": pyarrow.array([5], pyarrow.duration("s"))})
    pyarrow.parquet.write_table(unread, HERE / "parquet_unread.parquet")


if __name__ == "__main__":
    main()
