using System.Globalization;

namespace EndToEnd.Fire;

/// <summary>What a run was: how much was asked for, what was answered, what was done to whom.</summary>
internal sealed record FireFigures
{
    private static readonly CultureInfo Text = CultureInfo.InvariantCulture;

    private readonly IReadOnlyList<double> _transfers;
    private readonly string _text;

    public FireFigures(IReadOnlyList<BankCustomer> customers, IReadOnlyList<RecordedRequest> requests, Executioner executioner, RequestAudit audit)
    {
        Accepted = requests.Count(request => request.Answer?.IsAccepted == true);
        Answered = requests.Count(request => request.Answer is not null);
        Refused = requests.Count(request => request.IsRefused);
        Replays = requests.Sum(request => request.Replays.Count);
        _transfers = [.. requests.Where(request => request.Settled is not null).Select(request => request.Settled!.Value.TotalMilliseconds).Order()];
        var wishes = string.Join(", ", requests.GroupBy(request => request.Wish).OrderBy(group => group.Key).Select(group => $"{group.Count()} {group.Key}"));
        _text = string.Create(Text, $"""
            HTTP requests: {customers.Sum(customer => customer.Http.Requests)}, of which {customers.Sum(customer => customer.Http.Answers503)} were answered 503
            writes: {requests.Count} ({wishes})
            answered 2xx: {Accepted}; refused: {Refused} ({100.0 * Refused / Math.Max(1, Answered):N1} % of {Answered} answered)
            writes with unanswered attempts: {requests.Count(request => request.Unanswered.Count > 0)}, with {requests.Sum(request => request.Unanswered.Count)} such attempts
            replays: {Replays}; with another body: {requests.Sum(request => request.Forgeries.Count)}
            refused while an attempt was under way that was stored later: {audit.StoredAfterRefusal}
            kills: {executioner.Kills}; freezes: {executioner.Freezes}
            a transfer, from POST until its ending is seen: p50 {Percentile(50):N0} ms, p99 {Percentile(99):N0} ms, at most {Percentile(100):N0} ms
            """);
    }

    /// <summary>Writes answered 2xx; replays do not count.</summary>
    public int Accepted { get; }

    public int Answered { get; }

    /// <summary>409, and transfers that were rejected.</summary>
    public int Refused { get; }

    public int Replays { get; }

    public override string ToString() => _text;

    private double Percentile(int percent) => _transfers.Count == 0 ? 0 : _transfers[Math.Min(_transfers.Count - 1, _transfers.Count * percent / 100)];
}
