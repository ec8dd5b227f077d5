using Bank.Contracts;

namespace EndToEnd.Fire;

/// <summary>What a client may ask for.</summary>
internal enum Wish
{
    Opening,
    Deposit,
    Withdrawal,
    Transfer,
}

/// <summary>An answer below 500.</summary>
/// <param name="Status">The status code.</param>
/// <param name="Body">As it came.</param>
/// <param name="Position">The header <c>Sequent-Position</c>.</param>
/// <param name="AskedAt">When the attempt that got this answer began.</param>
/// <param name="AnsweredAt">When it was there.</param>
internal sealed record Answer(int Status, string Body, long? Position, DateTimeOffset AskedAt, DateTimeOffset AnsweredAt)
{
    public bool IsAccepted => Status is >= 200 and < 300;

    /// <summary>The same to whoever compares: when it was asked for is another matter.</summary>
    public bool Says(Answer other) => (Status, Body, Position) == (other.Status, other.Body, other.Position);

    public override string ToString() => $"{Status} at {Position?.ToString() ?? "-"}: {Body}";
}

/// <summary>A change that a client asked for, under one key, as often as it took. No two have the same amount, so that the log tells them apart.</summary>
internal sealed class RecordedRequest
{
    public required Wish Wish { get; init; }

    public required string Username { get; init; }

    public required string Path { get; init; }

    public required string Body { get; init; }

    public string Key { get; } = Guid.NewGuid().ToString();

    /// <summary>What the money goes to or comes from; of a transfer, what it comes from.</summary>
    public long Account { get; init; }

    /// <summary>What a transfer goes to.</summary>
    public long To { get; init; }

    public Money Amount { get; init; }

    /// <summary>Attempts that were not answered: 503, a broken connection, silence.</summary>
    public List<string> Unanswered { get; } = [];

    /// <summary>Null if there was none to the end.</summary>
    public Answer? Answer { get; set; }

    /// <summary>The number that the answer gave it: of the transaction.</summary>
    public long TransactionId { get; set; }

    /// <summary>The id that the answer gave it: of the request for an account.</summary>
    public string? RequestId { get; set; }

    /// <summary>The account that came of an opening, as the client has seen it.</summary>
    public long OpenedAccount { get; set; }

    /// <summary>ACCEPTED or REJECTED, as the client has seen it.</summary>
    public string? Ending { get; set; }

    /// <summary>Why it was rejected, as the client has seen it.</summary>
    public string? Reason { get; set; }

    /// <summary>When the ending was seen.</summary>
    public DateTimeOffset? SettledAt { get; set; }

    /// <summary>From the first attempt until the ending was seen.</summary>
    public TimeSpan? Settled { get; set; }

    /// <summary>When what became of it was known.</summary>
    public DateTimeOffset? EndedAt => Wish == Wish.Transfer ? SettledAt : Answer?.AnsweredAt;

    /// <summary>Answers to the same request under the same key, after it was answered.</summary>
    public List<Answer> Replays { get; } = [];

    /// <summary>Answers to another body under the same key, after it was answered.</summary>
    public List<Answer> Forgeries { get; } = [];

    public bool IsRefused => Answer?.Status == 409 || Ending == "REJECTED";

    public override string ToString() => $"{Wish} {Amount} of {Username} at {Path} under {Key} ({Unanswered.Count} unanswered, then {Answer?.ToString() ?? "nothing"})";
}
