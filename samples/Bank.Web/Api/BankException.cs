using System.Net;

namespace Bank.Web.Api;

/// <summary>What the bank says instead of what it was asked for.</summary>
/// <param name="status">Null: nobody answered, or nothing that could be read.</param>
/// <param name="detail">One sentence.</param>
/// <param name="reason">Why a change was refused, for programs.</param>
/// <param name="errors">What is wrong with which field.</param>
/// <param name="wasSent">False if the request cannot have reached anybody.</param>
public sealed class BankException(HttpStatusCode? status, string detail, string? reason = null, IReadOnlyDictionary<string, string[]>? errors = null, bool wasSent = true)
    : Exception(detail)
{
    public HttpStatusCode? Status => status;

    public string? Reason => reason;

    public IReadOnlyDictionary<string, string[]> Errors { get; } = errors ?? new Dictionary<string, string[]>();

    public bool WasSent => wasSent;

    /// <summary>The service, or one it needs, does not answer now, or answers that it failed. A change may have happened.</summary>
    public bool IsAway => status is null or >= HttpStatusCode.InternalServerError;

    /// <summary>The session is over.</summary>
    public bool IsSignedOut => status is HttpStatusCode.Unauthorized;
}
