-- A longer return period has a higher level, in every cell of every run.
select simulation_id, context_id, cell_id
from {{ ref('int_cell_return_levels') }}
where {% for period in var('return_periods')[1:] %}
    not (rl_rx1d_{{ period }} > rl_rx1d_{{ var('return_periods')[loop.index0] }}){{ " or" if not loop.last }}
    {% endfor %}
