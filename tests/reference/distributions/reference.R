# Rscript reference.R > values.csv, in this folder, with R 4.2.
# Pearson's chi-squared tests of confidences in the reference conditions, and Cramer's V.
answers <- read.csv("answers.csv")
cat("study,chi_squared,df,p,smallest_expected,cramers_v\n")
for (study in unique(answers$study)) {
  own <- answers[answers$study == study, ]
  counts <- table(own$reference_condition, own$confidence)
  found <- suppressWarnings(chisq.test(counts, correct = FALSE))
  v <- sqrt(found$statistic / (nrow(own) * (min(dim(counts)) - 1)))
  cat(study, sprintf("%.10g", c(found$statistic, found$parameter, found$p.value, min(found$expected), v)), sep = ",")
  cat("\n")
}
