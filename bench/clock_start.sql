SELECT clock_timestamp() AS started \gset
