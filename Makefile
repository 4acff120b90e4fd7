# Each command does all of its own set-up; see deploy/run.py.
RUN = python3 deploy/run.py
export PYTHON

.PHONY: demo test check bench stop demo-reset setup lock

demo:
	@$(RUN) demo $(if $(filter-out 0,$(CHECK)),--check) $(if $(DATASET),--dataset "$(DATASET)")

test:
	@$(RUN) test $(ARGS)

check bench stop demo-reset setup lock:
	@$(RUN) $@
