#include "zab/core.h"

#include "base/bytes.h"
#include "jute/txns.h"

namespace chorus::zab {

void Core::propose_config(EnsembleConfig proposed) {
  is_config_changed = true;
  emit(ConfigProposed{proposed});
  next_config = std::move(proposed);
}

void Core::activate_next_config() {
  is_config_changed = true;
  config = std::move(*next_config);
  next_config.reset();
  emit(ConfigActivated{config});
}

void Core::withdraw_next_config() {
  is_config_changed = true;
  next_config.reset();
  emit(ConfigActivated{config});
}

void Core::stored() {
  ENSURE(is_storing());
  if (const auto* accepted = std::get_if<StoreAcceptedEpoch>(&storing)) accepted_epoch = accepted->epoch;
  if (const auto* current = std::get_if<StoreCurrentEpoch>(&storing)) current_epoch = current->epoch;
  if (const auto* cut = std::get_if<Truncate>(&storing)) {
    // The tree comes from the disk again, whatever it was.
    if (ledger_on_disk) {
      ledger = std::move(*ledger_on_disk);
      ledger_on_disk.reset();
    }
    ledger.truncate(cut->zxid);
    // What proposed it has gone. Versions that an epoch gave (counter 0) come from no transaction.
    if (next_config && next_config->version > cut->zxid && !is_new_epoch(next_config->version)) withdraw_next_config();
  }
  if (std::holds_alternative<StoreSnapshot>(storing)) ledger_on_disk.reset();
  storing = std::monostate{};
}

std::optional<std::int32_t> txn_type(const Txn& txn) {
  if (!txn.octets) return std::nullopt;
  const auto header = jute::decode<jute::TxnHeader>(*txn.octets);
  if (!header || header->zxid != txn.zxid) return std::nullopt;
  return header->type;
}

base::Result<EnsembleConfig, std::string> read_reconfig(const Txn& txn) {
  base::Reader in(*txn.octets);
  const auto header = jute::decode<jute::TxnHeader>(in);
  const auto record = jute::decode<jute::SetDataTxn>(in);
  if (!header || !record || !record->data) return std::unexpected("a reconfiguration without a configuration");
  return parse_config(*record->data);
}

}  // namespace chorus::zab
