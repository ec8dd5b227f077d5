using Bank.Contracts;
using Sequent.Client;

namespace Demo;

/// <summary>
/// Reads the whole log and checks everything the bank promises, without asking the bank: every transfer ended at most once, every
/// accepted one has exactly one debit and one credit, no balance was ever below zero, no money appeared or vanished.
/// </summary>
public sealed class BankAudit
{
    private readonly Dictionary<string, uint> _values = [];
    private readonly Dictionary<long, Money> _balances = [];
    private readonly Dictionary<long, AuditedTransfer> _transfers = [];
    private readonly List<string> _findings = [];
    private long _position;

    private BankAudit()
    {
    }

    /// <summary>Every account and what is on it.</summary>
    public IReadOnlyDictionary<long, Money> Balances => _balances;

    /// <summary>Every transfer anybody asked for.</summary>
    public IReadOnlyDictionary<long, AuditedTransfer> Transfers => _transfers;

    /// <summary>Everything paid in, minus everything paid out.</summary>
    public Money PaidIn { get; private set; }

    /// <summary>What is wrong; empty if nothing is.</summary>
    public IReadOnlyList<string> Findings => _findings;

    public static async Task<BankAudit> ReadAsync(ISequentClient bus, CancellationToken cancellationToken)
    {
        var audit = new BankAudit();
        await foreach (var e in bus.QueryAsync(new EventQuery(), cancellationToken))
            audit.Take(e);
        audit.Conclude();
        return audit;
    }

    private void Take(RecordedEvent e)
    {
        Check(e.Position == ++_position, $"{e}: position {_position} was due");
        Check(KeyOf(e) == e.Key, $"{e}: its data belongs under {KeyOf(e)}");
        var due = _values.TryGetValue(e.Key, out var last) ? last + 1 : 0;
        Check(e.Value == due, $"{e}: value {due} was due");
        _values[e.Key] = e.Value;

        switch (e.Data)
        {
            case AccountCreated created:
                Check(_balances.TryAdd(created.AccountID, Money.Zero), $"{e}: the account exists already");
                break;
            case ConfirmedCredit credit:
                Move(e, credit.AccountID, credit.Amount, credit.TransactionID);
                break;
            case ConfirmedDebit debit:
                Move(e, debit.AccountID, -debit.Amount, debit.TransactionID);
                break;
            case PendingTransaction pending:
                Check(_transfers.TryAdd(pending.TransactionID, new AuditedTransfer(pending)), $"{e}: asked for twice");
                break;
            case AcceptedTransaction accepted:
                End(e, accepted.TransactionID, TransferStatus.Accepted);
                break;
            case RejectedTransaction rejected:
                End(e, rejected.TransactionID, TransferStatus.Rejected);
                break;
        }
    }

    private static string KeyOf(RecordedEvent e) => e.Data switch
    {
        AccountCreationRequest request => Keys.Request(request.RequestID),
        AccountCreated created => Keys.Account(created.AccountID),
        ConfirmedCredit credit => Keys.Account(credit.AccountID),
        ConfirmedDebit debit => Keys.Account(debit.AccountID),
        PendingTransaction pending => Keys.Transaction(pending.TransactionID),
        AcceptedTransaction accepted => Keys.Transaction(accepted.TransactionID),
        RejectedTransaction rejected => Keys.Transaction(rejected.TransactionID),
        _ => e.Key,
    };

    private void Move(RecordedEvent e, long account, Money amount, long? transactionId)
    {
        if (!Check(_balances.TryGetValue(account, out var balance), $"{e}: no such account"))
            return;
        _balances[account] = balance + amount;
        Check(_balances[account] >= Money.Zero, $"{e}: the balance is {_balances[account]}");
        if (transactionId is not { } id)
            PaidIn += amount;
        else if (Check(_transfers.TryGetValue(id, out var transfer), $"{e}: no such transfer"))
            transfer!.Entries.Add((account, amount));
    }

    private void End(RecordedEvent e, long id, TransferStatus status)
    {
        if (!Check(_transfers.TryGetValue(id, out var transfer), $"{e}: no such transfer"))
            return;
        Check(transfer!.Status == TransferStatus.Pending, $"{e}: it was {transfer.Status} already");
        transfer.Status = status;
    }

    private void Conclude()
    {
        foreach (var transfer in _transfers.Values)
        {
            var (id, from, to, amount) = transfer.Request;
            (long, Money)[] due = transfer.Status == TransferStatus.Accepted ? [(from, -amount), (to, amount)] : [];
            Check(transfer.Entries.SequenceEqual(due), $"Transfer {id} ({transfer.Status}) has the entries [{string.Join(", ", transfer.Entries)}]");
        }

        var sum = _balances.Values.Aggregate(Money.Zero, (total, balance) => total + balance);
        Check(sum == PaidIn, $"All accounts together hold {sum}, but {PaidIn} was paid in");
    }

    private bool Check(bool right, string finding)
    {
        if (!right)
            _findings.Add(finding);
        return right;
    }
}

/// <summary>A transfer as the log tells it.</summary>
public sealed class AuditedTransfer(PendingTransaction request)
{
    public PendingTransaction Request { get; } = request;

    public TransferStatus Status { get; set; }

    /// <summary>What it moved on which account, in the order of the log: the debit, then the credit.</summary>
    public IList<(long Account, Money Amount)> Entries { get; } = [];
}
