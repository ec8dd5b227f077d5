using Bank.Contracts;
using Sequent.Client;

namespace EndToEnd.Fire;

/// <summary>
/// Holds what clients asked for, and were told, against the log: what was accepted is there exactly once, what was refused is not, and nothing
/// is there that nobody asked for.
/// </summary>
internal sealed class RequestAudit
{
    private readonly List<string> _findings = [];
    private readonly IReadOnlyList<RecordedRequest> _requests;
    private readonly ILookup<Movement, RecordedEvent> _movements;
    private readonly Dictionary<string, RecordedEvent> _firsts;
    private readonly Dictionary<long, (string Status, string? Reason)> _endings = [];
    private readonly HashSet<long> _asked = [];

    private RequestAudit(IReadOnlyList<RecordedRequest> requests, IReadOnlyList<RecordedEvent> log)
    {
        _requests = requests;
        _movements = log.Where(e => MovementOf(e) is not null).ToLookup(e => MovementOf(e)!);
        _firsts = log.Where(e => e.Value == 0).ToDictionary(e => e.Key);
        foreach (var e in log)
        {
            // That there is only one ending is for any audit of the bank to see.
            if (e.Data is AcceptedTransaction accepted)
                _endings[accepted.TransactionID] = ("ACCEPTED", null);
            else if (e.Data is RejectedTransaction rejected)
                _endings[rejected.TransactionID] = ("REJECTED", rejected.Reason);
        }
    }

    /// <summary>What came into the log after it was refused: an attempt that nobody answered was still on its way.</summary>
    public int StoredAfterRefusal { get; private set; }

    /// <summary>What is wrong; empty if nothing is.</summary>
    public IReadOnlyList<string> Findings => _findings;

    public static RequestAudit Of(IReadOnlyList<RecordedRequest> requests, IReadOnlyList<RecordedEvent> log)
    {
        var audit = new RequestAudit(requests, log);
        foreach (var request in requests)
        {
            audit.CheckAnswers(request);
            audit.CheckLog(request);
        }

        audit.CheckNothingElse(log);
        audit._findings.AddRange(RefusalAudit.Of(requests, log));
        return audit;
    }

    private void CheckAnswers(RecordedRequest request)
    {
        if (!Check(request.Answer is not null, $"{request}: never answered"))
            return;
        var refusable = request.Wish == Wish.Withdrawal;
        Check(request.Answer!.Status == 202 || (request.Answer.Status == 409 && refusable), $"{request}: no answer of this route");
        foreach (var replay in request.Replays)
            Check(replay.Says(request.Answer), $"{request}: repeated, it was answered {replay}");
        foreach (var forgery in request.Forgeries)
            Check(forgery.Status == 422, $"{request}: another body was answered {forgery}");
        Check(request.Wish != Wish.Transfer || request.Ending is "ACCEPTED" or "REJECTED", $"{request}: never decided");
    }

    private void CheckLog(RecordedRequest request)
    {
        switch (request)
        {
            case { Answer: null }:
                break;
            case { Answer.IsAccepted: false }:
                CheckRefused(request, [.. _movements[new Movement(request.Wish, request.Account, request.Amount)]]);
                break;
            case { Wish: Wish.Opening }:
                CheckOpening(request);
                break;
            case { Wish: Wish.Transfer }:
                CheckTransfer(request);
                break;
            default:
                RecordedEvent[] stored = [.. _movements[new Movement(request.Wish, request.Account, request.Amount)]];
                if (Check(stored.Length == 1, $"{request}: {stored.Length} times in the log"))
                    CheckPlace(request, stored[0], Keys.Account(request.Account));
                break;
        }
    }

    /// <summary>
    /// A refusal is final only if no other attempt is on its way: one that was frozen while the client waited for it in vain may be decided after
    /// another one was refused. What was in the log before the refused attempt began must not be refused.
    /// </summary>
    private void CheckRefused(RecordedRequest request, RecordedEvent[] stored)
    {
        Check(stored.Length <= (request.Unanswered.Count > 0 ? 1 : 0), $"{request}: refused, but {stored.Length} times in the log");
        foreach (var e in stored)
        {
            StoredAfterRefusal++;
            _asked.Add(e.Position);
            Check(e.Time > request.Answer!.AskedAt, $"{request}: refused, but {e} was in the log since {e.Time:O}");
        }
    }

    private void CheckOpening(RecordedRequest request)
    {
        if (!Check(_firsts.TryGetValue(Keys.Request(request.RequestId!), out var asked), $"{request}: not in the log"))
            return;
        CheckPlace(request, asked!, Keys.Request(request.RequestId!));
        if (Check(_firsts.TryGetValue(Keys.Account(asked!.Position), out var created), $"{request}: no account came of it"))
        {
            Check(created!.Data is AccountCreated it && it.RequestID == request.RequestId && it.AccountID == asked.Position, $"{request}: {created} says something else");
            Check(request.OpenedAccount == asked.Position, $"{request}: the client was told that it is account {request.OpenedAccount}, the log says {asked.Position}");
            _asked.Add(created.Position);
        }
    }

    private void CheckTransfer(RecordedRequest request)
    {
        var key = Keys.Transaction(request.TransactionId);
        if (!Check(_firsts.TryGetValue(key, out var pending), $"{request}: not in the log"))
            return;
        CheckPlace(request, pending!, key);
        var due = new PendingTransaction(request.TransactionId, request.Account, request.To, request.Amount);
        Check(due.Equals(pending!.Data), $"{request}: the log says {pending.Data}");
        var (status, reason) = _endings.GetValueOrDefault(request.TransactionId);
        Check((status, reason) == (request.Ending, request.Reason), $"{request}: the client was told {request.Ending} {request.Reason}, the log says {status} {reason}");
    }

    private void CheckPlace(RecordedRequest request, RecordedEvent stored, string key)
    {
        Check(_asked.Add(stored.Position), $"{request}: {stored} is also another request's");
        Check(stored.Key == key, $"{request}: {stored} is not under {key}");
        Check(request.Answer!.Position == stored.Position, $"{request}: {stored} is not where the answer said");
    }

    /// <summary>Everything in the log was asked for, or is what became of a transfer that was.</summary>
    private void CheckNothingElse(IReadOnlyList<RecordedEvent> log)
    {
        var transfers = _requests.Where(r => r.Wish == Wish.Transfer).Select(r => r.TransactionId).ToHashSet();
        foreach (var e in log)
        {
            var transfer = e.Data switch
            {
                AcceptedTransaction accepted => accepted.TransactionID,
                RejectedTransaction rejected => rejected.TransactionID,
                ConfirmedCredit { TransactionID: { } id } => id,
                ConfirmedDebit { TransactionID: { } id } => id,
                _ => (long?)null,
            };
            Check(transfer is { } caused ? transfers.Contains(caused) : _asked.Contains(e.Position), $"{e} {e.Data}: nobody asked for it");
        }
    }

    private static Movement? MovementOf(RecordedEvent e) => e.Data switch
    {
        ConfirmedCredit { TransactionID: null, Note: "deposit" } credit => new(Wish.Deposit, credit.AccountID, credit.Amount),
        ConfirmedDebit { TransactionID: null, Note: "withdrawal" } debit => new(Wish.Withdrawal, debit.AccountID, debit.Amount),
        _ => null,
    };

    private bool Check(bool right, string finding)
    {
        if (!right)
            _findings.Add(finding);
        return right;
    }

    /// <summary>Money paid in or out; no two requests have the same amount.</summary>
    private sealed record Movement(Wish Wish, long Account, Money Amount);
}
