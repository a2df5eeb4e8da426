-- What made the values: set by `climart build` (mart/build.py).
select
    nullif('{{ env_var("CLIMART_CODE_COMMIT", "") }}', '') as code_commit,
    nullif('{{ env_var("CLIMART_INPUTS_SHA256", "") }}', '') as inputs_sha256,
    nullif('{{ env_var("CLIMART_MODELS_SHA256", "") }}', '') as models_sha256
