/* ccc_billing: the charging engine of a cloud call centre */

-- complain if the script is sourced in psql rather than by CREATE EXTENSION
\echo Use "CREATE EXTENSION ccc_billing" to load this file. \quit
