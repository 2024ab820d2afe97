# Rscript reference.R > values.csv, in this folder, with R 4.2 and lme4 1.1-31.
# Mixed models of each study: logistic ones (glmer, Laplace) of correct, linear ones (lmer, REML) of log_rt.
suppressMessages(library(lme4))
trials <- read.csv("trials.csv")
trials$condition <- factor(trials$condition)
trials$both_p <- interaction(trials$participant, trials$condition, drop = TRUE)
trials$both_u <- interaction(trials$unit, trials$condition, drop = TRUE)
effects <- c(
  intercepts = "(1 | participant) + (1 | unit)",
  interactions = "(1 | participant) + (1 | unit) + (1 | both_p) + (1 | both_u)",
  slopes = "(condition | participant) + (condition | unit)"
)
# The default tolerance of the inner loop, 1e-7, leaves standard errors uncertain by some per cent. Searches end in
# other than the highest maximum now and then: the best of two optimisers and of four random starts counts.
set.seed(1)
optimisers <- list(
  list("bobyqa", list(maxfun = 2e5)),
  list("nloptwrap", list(xtol_abs = 1e-9, ftol_abs = 1e-9, maxeval = 1e5))
)
quiet <- function(code) suppressWarnings(suppressMessages(code))
fit <- function(outcome, random, own, optimiser, start = NULL) {
  formula <- as.formula(paste(outcome, "~ condition +", random))
  if (outcome == "correct") {
    control <- glmerControl(optimizer = optimiser[[1]], optCtrl = optimiser[[2]], tolPwrss = 1e-11)
    if (is.null(start)) return(quiet(glmer(formula, own, binomial, control = control)))
    return(quiet(glmer(formula, own, binomial, control = control, start = start)))
  }
  control <- lmerControl(optimizer = optimiser[[1]], optCtrl = optimiser[[2]])
  quiet(lmer(formula, own, control = control, start = start$theta))
}
cat("study,outcome,random,log_likelihood,singular,effect,estimate,standard_error\n")
for (study in unique(trials$study)) {
  own <- droplevels(trials[trials$study == study, ])
  for (outcome in c("correct", "log_rt")) for (random in names(effects)) {
    if (random != "intercepts" && study == "between_participants") next
    # One error in a condition: the likelihood of slopes has no maximum.
    if (random == "slopes" && outcome == "correct" && study == "near_separation") next
    fits <- lapply(optimisers, function(one) try(fit(outcome, effects[random], own, one), silent = TRUE))
    fits <- Filter(function(one) !inherits(one, "try-error"), fits)
    if (!length(fits)) next
    best <- fits[[which.max(sapply(fits, logLik))]]
    for (again in 1:4) {
      theta <- rnorm(length(getME(best, "theta")), 0, 0.6)
      theta <- ifelse(getME(best, "lower") == 0, abs(theta), theta)
      start <- list(theta = theta, fixef = fixef(best))
      other <- try(fit(outcome, effects[random], own, optimisers[[1]], start), silent = TRUE)
      if (!inherits(other, "try-error") && logLik(other) > logLik(best)) best <- other
    }
    errors <- quiet(sqrt(diag(as.matrix(vcov(best)))))
    for (i in seq_along(errors)) {
      cat(study, outcome, random, sprintf("%.5f", logLik(best)), isSingular(best),
          sub("condition", "", names(fixef(best))[i]), sprintf("%.5f,%.5f\n", fixef(best)[i], errors[i]), sep = ",")
    }
  }
}
