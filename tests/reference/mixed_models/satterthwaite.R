# Rscript satterthwaite.R > satterthwaite.csv, in this folder, with R 4.2, lme4 1.1-31 and lmerTest 3.1-3.
# Pairwise differences of conditions in linear mixed models (REML) of log_rt, with Satterthwaite's degrees of freedom.
suppressMessages(library(lmerTest))
trials <- read.csv("trials.csv")
trials$condition <- factor(trials$condition)
trials$both_p <- interaction(trials$participant, trials$condition, drop = TRUE)
trials$both_u <- interaction(trials$unit, trials$condition, drop = TRUE)
effects <- c(
  intercepts = "(1 | participant) + (1 | unit)",
  interactions = "(1 | participant) + (1 | unit) + (1 | both_p) + (1 | both_u)",
  slopes = "(condition | participant) + (condition | unit)"
)
optimisers <- list(
  list("bobyqa", list(maxfun = 2e5)),
  list("nloptwrap", list(xtol_abs = 1e-9, ftol_abs = 1e-9, maxeval = 1e5))
)
quiet <- function(code) suppressWarnings(suppressMessages(code))
set.seed(1)
cat("study,random,singular,first,second,difference,standard_error,df,t,p\n")
for (study in unique(trials$study)) {
  own <- droplevels(trials[trials$study == study, ])
  for (random in names(effects)) {
    if (random != "intercepts" && study == "between_participants") next
    formula <- as.formula(paste("log_rt ~ condition +", effects[random]))
    fits <- lapply(optimisers, function(one) {
      control <- lmerControl(optimizer = one[[1]], optCtrl = one[[2]])
      try(quiet(do.call(lmer, list(formula, own, control = control))), silent = TRUE)
    })
    fits <- Filter(function(one) !inherits(one, "try-error"), fits)
    if (!length(fits)) next
    best <- fits[[which.max(sapply(fits, logLik))]]
    # Searches end in other than the highest maximum now and then, as in reference.R.
    for (again in 1:4) {
      theta <- rnorm(length(getME(best, "theta")), 0, 0.6)
      theta <- ifelse(getME(best, "lower") == 0, abs(theta), theta)
      control <- lmerControl(optimizer = "bobyqa", optCtrl = list(maxfun = 2e5))
      other <- try(quiet(do.call(lmer, list(formula, own, control = control, start = theta))), silent = TRUE)
      if (!inherits(other, "try-error") && logLik(other) > logLik(best)) best <- other
    }
    levels <- levels(own$condition)
    for (i in seq_along(levels)) for (j in seq_along(levels)) if (i < j) {
      weights <- as.numeric(seq_along(levels) == i) - as.numeric(seq_along(levels) == j)
      weights[1] <- 0
      found <- quiet(contest1D(best, weights))
      cat(study, random, isSingular(best), levels[i], levels[j], sprintf(
        "%.5f,%.5f,%.3f,%.4f,%.5f\n", found$Estimate, found[["Std. Error"]], found$df, found[["t value"]], found[["Pr(>|t|)"]]
      ), sep = ",")
    }
  }
}
