# Each command does all of its own set-up; see deploy/run.py.
RUN = python3 deploy/run.py
export PYTHON

.PHONY: demo test check bench chaos fuzz stop demo-reset setup lock

demo:
	@$(RUN) demo $(if $(filter-out 0,$(CHECK)),--check) $(if $(DATASET),--dataset "$(DATASET)")

test:
	@$(RUN) test $(ARGS)

# N crashes of a whole Shelfwise under load; SEED of an earlier run makes the same choices.
chaos:
	@$(RUN) chaos $(or $(N),1000) $(if $(SEED),--seed "$(SEED)")

# N generated requests for each operation of the OpenAPI document, beside those of its limits.
fuzz:
	@$(RUN) fuzz $(or $(N),100) $(if $(SEED),--seed "$(SEED)")

check bench stop demo-reset setup lock:
	@$(RUN) $@
