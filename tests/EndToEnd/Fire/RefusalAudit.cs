using System.Text.Json.Nodes;
using Bank.Contracts;
using Sequent.Client;

namespace EndToEnd.Fire;

/// <summary>
/// Holds what was decided against what was on the accounts just then: a transfer at its very position in the log, a withdrawal somewhere between
/// question and answer. An accepted transfer moves its money in the same breath.
/// </summary>
internal sealed class RefusalAudit
{
    private readonly List<string> _findings = [];
    private readonly IReadOnlyList<RecordedEvent> _log;
    private readonly Dictionary<long, PendingTransaction> _transfers = [];

    /// <summary>The balances of an account, each with the position since which it holds.</summary>
    private readonly Dictionary<long, List<(long Since, Money Balance)>> _balances = [];

    private RefusalAudit(IReadOnlyList<RecordedEvent> log) => _log = log;

    /// <returns>What is wrong; empty if nothing is.</returns>
    public static IReadOnlyList<string> Of(IReadOnlyList<RecordedRequest> requests, IReadOnlyList<RecordedEvent> log)
    {
        var audit = new RefusalAudit(log);
        for (var i = 0; i < log.Count; i++)
            audit.Take(i);
        var known = KnownPositions(requests);
        foreach (var request in requests.Where(request => request.Answer?.Status == 409))
            audit.CheckWithdrawal(request, known);
        return audit._findings;
    }

    private void Take(int index)
    {
        var e = _log[index];
        switch (e.Data)
        {
            case AccountCreated created:
                _balances.TryAdd(created.AccountID, [(e.Position, Money.Zero)]);
                break;
            case ConfirmedCredit entry:
                Move(e, entry.AccountID, entry.Amount);
                break;
            case ConfirmedDebit entry:
                Move(e, entry.AccountID, -entry.Amount);
                break;
            case PendingTransaction pending:
                _transfers.TryAdd(pending.TransactionID, pending);
                break;
            case RejectedTransaction rejected when _transfers.TryGetValue(rejected.TransactionID, out var transfer):
                Check(rejected.Reason == DueReason(transfer), $"{e}: rejected for {rejected.Reason}, but {DueReason(transfer) ?? "nothing"} was in its way");
                break;
            case AcceptedTransaction accepted when _transfers.TryGetValue(accepted.TransactionID, out var transfer):
                var isWhole = _log.ElementAtOrDefault(index + 1)?.Data is ConfirmedDebit debit && debit.TransactionID == transfer.TransactionID
                    && _log.ElementAtOrDefault(index + 2)?.Data is ConfirmedCredit credit && credit.TransactionID == transfer.TransactionID;
                Check(isWhole, $"{e}: its debit and its credit do not follow at once");
                Check(DueReason(transfer) is null, $"{e}: accepted, although {DueReason(transfer)}");
                break;
        }
    }

    private void Move(RecordedEvent e, long account, Money amount)
    {
        if (_balances.TryGetValue(account, out var balances))
            balances.Add((e.Position, balances[^1].Balance + amount));
    }

    /// <summary>What is in the way of a transfer, with the balances as they are by now.</summary>
    private string? DueReason(PendingTransaction transfer) =>
        !_balances.TryGetValue(transfer.FromAccountID, out var from) || !_balances.ContainsKey(transfer.ToAccountID) ? Reasons.UnknownAccount
        : from[^1].Balance < transfer.Amount ? Reasons.InsufficientFunds
        : null;

    /// <summary>There must have been a moment between question and answer when the account had too little.</summary>
    private void CheckWithdrawal(RecordedRequest request, List<(DateTimeOffset Since, long Position)> known)
    {
        var answer = request.Answer!;
        var reason = JsonNode.Parse(answer.Body)?["reason"]?.GetValue<string>();
        if (!Check(reason == Reasons.InsufficientFunds, $"{request}: refused for {reason ?? "no reason"}"))
            return;

        // What had been answered to anybody was in the log before this was asked; what got its place after the answer came too late for it.
        var first = known.LastOrDefault(k => k.Since <= answer.AskedAt).Position;
        var last = _log.LastOrDefault(e => e.Time <= answer.AnsweredAt)?.Position ?? 0;
        var balances = _balances.GetValueOrDefault(request.Account, []);
        var seen = balances.Where(b => b.Since <= first).TakeLast(1).Concat(balances.Where(b => b.Since > first && b.Since <= last));
        Check(seen.Any(b => b.Balance < request.Amount), $"{request}: refused, but from position {first} to {last} there was always enough");
    }

    /// <summary>How far the log must have been, and since when: as far as the answers say that were there by then.</summary>
    private static List<(DateTimeOffset Since, long Position)> KnownPositions(IReadOnlyList<RecordedRequest> requests)
    {
        var known = new List<(DateTimeOffset Since, long Position)>();
        foreach (var answer in requests.Select(request => request.Answer).OfType<Answer>().Where(answer => answer.Position is not null).OrderBy(answer => answer.AnsweredAt))
            known.Add((answer.AnsweredAt, Math.Max(answer.Position!.Value, known.LastOrDefault().Position)));
        return known;
    }

    private bool Check(bool right, string finding)
    {
        if (!right)
            _findings.Add(finding);
        return right;
    }
}
