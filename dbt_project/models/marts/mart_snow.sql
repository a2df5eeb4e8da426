{{ wide_mart() }}
