#include "mq/rocketmq/upkeep.h"

#include <fmt/format.h>

#include <utility>

#include "mq/rocketmq/body/body.h"

namespace chorus::mq::rocketmq {
namespace {

constexpr auto switch_timer_engine = static_cast<RequestCode>(5001);  // from 5.5.0 on

/// Answer to 354.
struct IndexCheck {
  std::string result;
  std::int32_t status = 0;  // as it should be

  template <class Self, class F>
  static void describe(Self& self, F&& member) {
    member("checkResult", self.result);
    member("checkStatus", self.status);
  }
};

Outgoing said(ResponseCode code, std::string remark) {
  Outgoing outgoing;
  outgoing.code = static_cast<std::int32_t>(code);
  outgoing.remark = std::move(remark);
  return outgoing;
}

/// Of the segments of the log: 0, as the system does by itself, or 1, not at all. source: common/constant/FIleReadaheadMode.java
Outgoing read_ahead(const Command& command) {
  const auto mode = command.field("READ_AHEAD_MODE");
  if (!mode) return said(ResponseCode::system_error, "set commitlog readahead mode param error");
  if (*mode == "0") return said(ResponseCode::success, "set commitlog readahead mode success, mode: 0");
  if (*mode != "1") return said(ResponseCode::invalid_parameter, "set commitlog readahead mode param value error");
  return said(ResponseCode::request_code_not_supported,
              "the log is read with the system's read-ahead, mode 0, which is not switched off here");
}

Outgoing timer_engine(const Command& command) {
  const std::string_view engine = command.field("E_T").value_or("");
  if (engine == "F") return said(ResponseCode::success, {});  // what there is is not kept in RocksDB
  if (engine == "R") return said(ResponseCode::invalid_parameter, "timerRocksDBEnable must be configured true when broker start");
  return said(ResponseCode::invalid_parameter, "param error");
}

}  // namespace

std::optional<Outgoing> answer_upkeep(const Command& command) {
  switch (command.request()) {
    // Timed messages are found by the log's own index: there is no wheel of which a slave could want the place or the counts.
    case RequestCode::get_timer_check_point:
      return said(ResponseCode::system_error, "The checkpoint is null");
    case RequestCode::get_timer_metrics:
      return said(ResponseCode::system_error, "The timer message store is null");
    case switch_timer_engine:
      return timer_engine(command);
    // Nothing is kept in RocksDB, neither beside files nor in place of them.
    case RequestCode::check_rocksdb_cq_write_progress: {
      Outgoing outgoing;
      outgoing.body = encode_body(IndexCheck{.result = "It is not CombineConsumeQueueStore, no need check"});
      return outgoing;
    }
    case RequestCode::export_rocksdb_config_to_json:
      if (!command.field("configType")) {
        return said(ResponseCode::system_error,
                    "org.apache.rocketmq.remoting.exception.RemotingCommandException: the custom field <configType> is null");
      }
      return said(ResponseCode::success, "export done.");
    case RequestCode::pop_rollback:
      return said(ResponseCode::success, {});
    // What masters are told in modes that this one is not in: no slave acts for a master, no controller elects one.
    case RequestCode::notify_min_broker_id_change:
    case RequestCode::notify_broker_role_changed:
    case RequestCode::reset_master_flush_offset:
      return said(ResponseCode::success, {});
    case RequestCode::exchange_broker_ha_info:
      return said(ResponseCode::request_code_not_supported, "slaves are not supported");
    case RequestCode::update_cold_data_flow_ctr_config:
    case RequestCode::remove_cold_data_flow_ctr_config:
    case RequestCode::get_cold_data_flow_ctr_info:
      return said(
          ResponseCode::request_code_not_supported,
          "there is no cold data flow control: reads of old messages are not limited by group, they do not hold up those at the end");
    case RequestCode::set_commitlog_read_mode:
      return read_ahead(command);
    default:
      return std::nullopt;
  }
}

}  // namespace chorus::mq::rocketmq
