# Rscript reference.R > values.csv, in this folder, with R 4.2.
# t tests (paired, Welch's) and rank tests (Wilcoxon's, Mann and Whitney's) of natural against none.
own <- read.csv("values_of_participants.csv")
cat("study,t,df,p,low,high,rank_statistic,p_rank\n")
for (study in unique(own$study)) {
  natural <- own[own$study == study & own$reference_condition == "natural", ]
  none <- own[own$study == study & own$reference_condition == "none", ]
  paired <- all(natural$participant == none$participant[seq_len(nrow(natural))]) && nrow(natural) == nrow(none)
  if (paired) none <- none[match(natural$participant, none$participant), ]
  # Differences of decimal numbers have ties that rounding hides.
  if (paired) {
    d <- round(natural$value - none$value, 10)
    t <- t.test(d)
    w <- suppressWarnings(wilcox.test(d))
  } else {
    t <- t.test(natural$value, none$value)
    w <- suppressWarnings(wilcox.test(natural$value, none$value))
  }
  cat(study, sprintf("%.10g", c(t$statistic, t$parameter, t$p.value, t$conf.int, w$statistic, w$p.value)), sep = ",")
  cat("\n")
}
