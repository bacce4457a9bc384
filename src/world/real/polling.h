// Whether it pays to look for the end of disk work, rather than to sleep until it comes; and whether it is short enough to do it at once.
#pragma once

#include "world/world.h"

namespace chorus::world::real {

/// It does while such work takes less than a limit, and while nobody else wants the processor: a thread that looks keeps it from those who
/// have work, such as the other members of an ensemble on the same machine, and is then kept waiting itself. Asks no clock: it is told.
class Polling {
 public:
  /// This many looks are judged together.
  static constexpr int looks_judged = 8;
  /// So many jobs must have been short before one is done at once.
  static constexpr int jobs_judged = 8;
  /// Where others wanted the processor, the loop sleeps for its disk so long, each time twice as long.
  static constexpr Duration pause_min = std::chrono::milliseconds(250);
  static constexpr Duration pause_max = std::chrono::seconds(4);

  /// Of what the work lately took, beyond which it is not looked for; zero: never.
  void set_limit(Duration limit) { limit_ = limit; }
  Duration limit() const { return limit_; }

  void job_given(Instant now);
  void job_done(Instant now);
  bool is_job_under_way() const { return jobs_ > 0 && time_ < limit_; }
  /// Whether work lately took less than the limit.
  bool is_short() const { return jobs_done_ >= jobs_judged && time_ < limit_; }
  /// Whether to begin to look.
  bool is_worth_it(Instant now) const { return now >= pause_end_; }
  /// A look took so long, and for so much of that the thread had a processor.
  void looked(Duration time, Duration ran, Instant now);

 private:
  Duration limit_ = Duration::zero();
  Duration time_ = Duration::zero();  // what a job takes, a moving average
  Instant since_;                     // when the job under way began, as far as can be told from here
  int jobs_ = 0;
  int jobs_done_ = 0;  // up to jobs_judged

  int looks_ = 0;
  Duration looked_ = Duration::zero();
  Duration lost_ = Duration::zero();
  Duration pause_ = pause_min;
  Instant pause_end_ = Instant::min();
};

}  // namespace chorus::world::real
