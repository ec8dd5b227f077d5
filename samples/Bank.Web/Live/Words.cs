using System.Text.RegularExpressions;
using Bank.Contracts;
using Bank.Web.Api;

namespace Bank.Web.Live;

/// <summary>What the bank's answers mean, in a customer's words.</summary>
public static partial class Words
{
    public const string AmountRule = "Enter an amount such as 12.50, at most 1\u202f000\u202f000\u202f000.00.";

    /// <summary>With a space between thousands.</summary>
    public static string Of(Money amount)
    {
        var text = amount.ToString();
        var (sign, digits) = text[0] == '-' ? ("\u2212", text[1..]) : ("", text);
        return sign + Thousands().Replace(digits, "\u202f");
    }

    /// <summary>With its sign, for what went in or out.</summary>
    public static string WithSign(Money amount) => amount > Money.Zero ? $"+{Of(amount)}" : Of(amount);

    public static string OfReason(string? reason) => reason switch
    {
        Reasons.InsufficientFunds => "There was not enough money on the account.",
        Reasons.UnknownAccount => "There is no such account.",
        Reasons.AccountLimit => "The account cannot hold that much.",
        null or "" => "The bank gave no reason.",
        _ => $"The bank's reason: {reason}.",
    };

    /// <summary>What cannot be seen or done, and how old what is shown in its place is.</summary>
    public static string OfAway(Part part, string since) => part switch
    {
        Part.Users => $"The bank cannot check who you are at the moment. What you see is from {since}.",
        Part.Accounts => $"Balances and statements cannot be read at the moment; those you see are from {since}. Transfers that were sent are carried out as soon as possible.",
        _ => $"Transfers cannot be made at the moment; the list is from {since}.",
    };

    /// <summary>Why a change was not made.</summary>
    public static string OfFailure(BankException failure, bool mayHaveHappened) => failure switch
    {
        { IsAway: true } when mayHaveHappened => "The bank did not answer in time, so it may be done or not. Press the button again before you leave this page: it is done only once.",
        { IsAway: true } => "The bank cannot be reached. Nothing was changed; please try again.",
        { IsSignedOut: true } => "Your session has ended. Please log in again.",
        { Reason: { } reason } when mayHaveHappened => $"{OfReason(reason)} But an earlier attempt was not answered and may still be carried out: look again in a minute.",
        { Reason: { } reason } => $"{OfReason(reason)} Nothing was changed.",
        _ => failure.Errors.Values.FirstOrDefault()?.FirstOrDefault() ?? failure.Message,
    };

    /// <summary>Reads what people type for an amount: 12, 12.5, 12.50, 12,50, and 1 200.50 as it is shown here. Null if it is none that could be paid.</summary>
    public static Money? AmountOf(string? typed)
    {
        if (Typed().Match(Grouped().Replace(typed ?? "", "")) is not { Success: true } match)
            return null;
        return Money.TryParsePayable($"{match.Groups[1].Value}.{match.Groups[2].Value.PadRight(2, '0')}", out var amount) ? amount : null;
    }

    [GeneratedRegex(@"(?<=[0-9])[ \u00a0\u202f](?=[0-9]{3}(?:[ \u00a0\u202f.,]|\s*\z))")]
    private static partial Regex Grouped();

    [GeneratedRegex(@"^\s*([0-9]{1,10})(?:[.,]([0-9]{1,2}))?\s*\z")]
    private static partial Regex Typed();

    [GeneratedRegex(@"(?<=[0-9])(?=(?:[0-9]{3})+\.)")]
    private static partial Regex Thousands();
}
