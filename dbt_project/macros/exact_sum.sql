{# A sum that does not depend on the order of its terms, so that two builds give the same bytes: the terms are counted in
   units of 2^-36 (1.5e-11), whole numbers whose sum is exact. For terms whose sum stays below 1e8. #}
{% macro exact_sum(term) %}(sum(({{ term }} * 68719476736)::bigint) / 68719476736.0){% endmacro %}
