using System.Globalization;

namespace Bank.Contracts;

/// <summary>The sequence keys of the bank: one per request, per account and per transfer.</summary>
public static class Keys
{
    public static string Request(string requestId) => $"req-{requestId}";

    public static string Account(long accountId) => string.Create(CultureInfo.InvariantCulture, $"acc-{accountId}");

    public static string Transaction(long transactionId) => string.Create(CultureInfo.InvariantCulture, $"tx-{transactionId}");
}
