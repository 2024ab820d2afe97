# Rscript reference.R > values.csv, in this folder, with R 4.2, lme4 and lmerTest.
# Linear mixed models of single answers: condition 0 minus condition 1, Satterthwaite's degrees of freedom.
suppressMessages(library(lmerTest))
answers <- read.csv("answers.csv")
cat("study,n_trials,difference,standard_error,df\n")
for (study in unique(answers$study)) {
  own <- answers[answers$study == study, ]
  own$first <- 0.5 - own$condition
  participants <- if (study == "participants_nested") "(1 | participant)" else "(first || participant)"
  units <- if (study == "units_nested") "(1 | unit)" else "(first || unit)"
  formula <- as.formula(paste("correct ~ first +", participants, "+", units))
  found <- coef(summary(suppressMessages(lmer(formula, own))))["first", ]
  cat(study, nrow(own), sprintf("%.5f,%.5f,%.3f\n", found[1], found[2], found[3]), sep = ",")
}
