//! What does an error of the cluster demand?
//!
//! Errors are told apart by the reaction alone. librdkafka does not know the second version of the
//! transaction protocol, so after a call whose end is not known a producer is never used again: a
//! new one with the same transactional id ends whatever the old one left open.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// What to do about a failed call on the producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// The same call once more; a few times at most.
    Again,
    /// Abort the transaction, then try the same batch in a new one.
    Undo,
    /// This producer is of no more use: a new one. If it was the commit that failed, the committed
    /// offsets tell how it ended.
    Renew,
    /// Another process has this member's name: everything anew.
    Restart,
}

/// Which call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `init_transactions`
    Init,
    /// `begin_transaction`
    Begin,
    /// `send`, and the delivery that follows
    Produce,
    /// `send_offsets_to_transaction`, or a plain commit of offsets
    Offsets,
    /// `commit_transaction`
    Commit,
    /// `abort_transaction`
    Abort,
}

impl Operation {
    /// The word in logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Init => "init_transactions",
            Self::Begin => "begin_transaction",
            Self::Produce => "produce",
            Self::Offsets => "send_offsets",
            Self::Commit => "commit_transaction",
            Self::Abort => "abort_transaction",
        }
    }
}

/// What an error demands.
pub fn reaction(operation: Operation, error: &KafkaError) -> Reaction {
    let code = error.rdkafka_error_code();
    if code == Some(Code::FencedInstanceId) {
        return Reaction::Restart;
    }
    if is_fenced(error) {
        return Reaction::Renew;
    }
    match error {
        KafkaError::Transaction(error) if error.is_fatal() => Reaction::Renew,
        KafkaError::Transaction(error) if error.txn_requires_abort() => Reaction::Undo,
        KafkaError::Transaction(_) if code.is_some_and(is_timeout) => Reaction::Renew,
        KafkaError::Transaction(error) if error.is_retriable() => Reaction::Again,
        KafkaError::MessageProduction(Code::Fatal) => Reaction::Renew,
        KafkaError::MessageProduction(Code::QueueFull) => Reaction::Again,
        // Nothing was begun that a new producer would have to end.
        KafkaError::ConsumerCommit(_) => Reaction::Undo,
        _ if operation == Operation::Produce => Reaction::Undo,
        _ => Reaction::Renew,
    }
}

/// The cluster takes nothing more from this producer: a successor began, or a transaction was open
/// for so long that the cluster undid it. Neither means that the partitions are gone, so a new
/// producer may go on; a member that really was replaced cannot commit with its old generation.
pub fn is_fenced(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    let fenced = [Code::Fenced, Code::ProducerFenced, Code::InvalidProducerEpoch, Code::FencedInstanceId];
    code.is_some_and(|code| fenced.contains(&code))
}

fn is_timeout(code: Code) -> bool {
    matches!(code, Code::OperationTimedOut | Code::RequestTimedOut | Code::MessageTimedOut)
}

/// Whether the group is moving partitions, so that this member's generation is no longer, or not
/// yet, the one that may commit.
pub fn is_out_of_date(error: &KafkaError) -> bool {
    let code = error.rdkafka_error_code();
    matches!(code, Some(Code::IllegalGeneration | Code::UnknownMemberId | Code::RebalanceInProgress))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_is_waited_for_and_a_refused_record_undoes_the_transaction() {
        let full = KafkaError::MessageProduction(Code::QueueFull);
        assert_eq!(reaction(Operation::Produce, &full), Reaction::Again);
        for code in [Code::MessageSizeTooLarge, Code::UnknownTopicOrPartition, Code::TopicAuthorizationFailed]
        {
            let refused = KafkaError::MessageProduction(code);
            assert_eq!(reaction(Operation::Produce, &refused), Reaction::Undo, "{code:?}");
        }
    }

    #[test]
    fn a_fenced_producer_is_replaced_and_a_fenced_member_starts_anew() {
        for operation in [Operation::Init, Operation::Produce, Operation::Offsets, Operation::Commit] {
            for code in [Code::Fenced, Code::ProducerFenced, Code::InvalidProducerEpoch] {
                let error = KafkaError::Global(code);
                assert_eq!(reaction(operation, &error), Reaction::Renew, "{operation:?} {code:?}");
                assert!(is_fenced(&error));
            }
            let member = KafkaError::Global(Code::FencedInstanceId);
            assert_eq!(reaction(operation, &member), Reaction::Restart, "{operation:?}");
        }
    }

    #[test]
    fn an_unknown_end_never_leads_back_to_the_same_producer() {
        for operation in [Operation::Offsets, Operation::Commit, Operation::Abort] {
            for code in [Code::OperationTimedOut, Code::Fail, Code::BrokerTransportFailure, Code::State] {
                let error = KafkaError::Flush(code);
                assert_eq!(reaction(operation, &error), Reaction::Renew, "{operation:?} {code:?}");
            }
        }
    }

    #[test]
    fn a_commit_in_the_midst_of_a_rebalance_is_tried_again_by_the_same_producer() {
        for code in [Code::IllegalGeneration, Code::UnknownMemberId, Code::RebalanceInProgress] {
            let error = KafkaError::ConsumerCommit(code);
            assert!(is_out_of_date(&error), "{code:?}");
            assert_eq!(reaction(Operation::Offsets, &error), Reaction::Undo, "{code:?}");
        }
        assert!(!is_out_of_date(&KafkaError::ConsumerCommit(Code::OperationTimedOut)));
    }
}
