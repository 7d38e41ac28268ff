-- A month of records, and then the month before, on what is left.
LOAD 'ccc_billing';
SET ccc_billing.replay = off;
COPY calls FROM :'march';
COPY calls FROM :'february';
