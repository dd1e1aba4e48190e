"""What a client is asked and given: disabilities, health, income, education, assessments, referrals and services."""

from collections.abc import Mapping

from dr.demo.hmis.dice import Dice, iso
from dr.demo.hmis.people import YEAR, Person
from dr.demo.hmis.sheet import Row, Value, Workbook, text

_INCOMES = (("Earned", 1450), ("SSI", 943), ("SSDI", 1380), ("Unemployment", 820), ("TANF", 653), ("GA", 310), ("ChildSupport", 400))
_INSURANCES = ("Medicaid", "Medicare", "SCHIP", "VHAServices", "EmployerProvided", "StateHealthIns", "IndianHealthServices")
_QUESTIONS = (
    "Where did you sleep last night?",
    "How long have you been without a home?",
    "Is anybody looking for you?",
    "What would help today?",
)
_ANSWERS = ("outside", 'with my sister, "for now"', "too long", "no\nyes\nno", "a key", "kawa i spokój", "50% \\ 50%", "")
_RECORDS = ((144, (1, 2, 3, 4, 5, 6)), (141, (1, 2, 4, 5, 6, 9)), (142, (2, 5, 6, 8, 14)), (143, (2, 7, 8, 10, 13)), (300, (1, 2, 3, 4)))

Keys = Mapping[str, Value]


def write_disabilities(book: Workbook, dice: Dice, keys: Keys, person: Person, day: int, stage: int) -> None:
    """Six rows, one for each kind of disability, as the format wants at every stage."""
    sheet, date = book["Disabilities"], iso(day)
    for kind in range(5, 11):
        has = person.disabled and dice.chance(0.3)
        response = dice.pick((1, 2, 3)) if has and kind == 10 else dice.coded((int(has),), 0.03)
        row: Row = {"DisabilitiesID": f"D{sheet.count + 1:08}", **keys, "InformationDate": date, "DataCollectionStage": stage}
        row |= {"DisabilityType": kind, "DisabilityResponse": response, "IndefiniteAndImpairs": dice.coded((0, 1)) if has else None}
        if has and kind == 8:
            row |= {"TCellCountAvailable": 1, "TCellCount": dice.between(200, 1200), "TCellSource": 1, "ViralLoadAvailable": 2}
        sheet.add(day, row)


def write_health(book: Workbook, dice: Dice, keys: Keys, day: int, stage: int) -> None:
    sheet = book["HealthAndDV"]
    survivor = dice.coded((0, 0, 0, 1))
    row: Row = {"HealthAndDVID": f"V{sheet.count + 1:07}", **keys, "InformationDate": iso(day), "DataCollectionStage": stage}
    row["DomesticViolenceSurvivor"] = survivor
    if survivor == 1:
        row |= {"WhenOccurred": dice.coded((1, 2, 3, 4)), "CurrentlyFleeing": dice.coded((0, 1))}
    if dice.chance(0.3):
        row |= {name: dice.coded((1, 2, 3, 3, 4, 5)) for name in ("GeneralHealthStatus", "DentalHealthStatus", "MentalHealthStatus")}
    sheet.add(day, row)


def write_income(book: Workbook, dice: Dice, keys: Keys, day: int, stage: int) -> None:
    sheet = book["IncomeBenefits"]
    row: Row = {
        "IncomeBenefitsID": f"B{sheet.count + 1:07}",
        **keys,
        "InformationDate": iso(day),
        "DataCollectionStage": stage,
    }
    sources = {name: usual for name, usual in _INCOMES if dice.chance(0.16)}
    total = 0
    for name, _ in _INCOMES:
        row[name] = int(name in sources)
        if name in sources:
            amount = int(sources[name] * (0.6 + dice.random()))
            row[f"{name}Amount"], total = f"{amount}.{dice.between(0, 99):02}", total + amount
    row |= {"IncomeFromAnySource": dice.coded((int(bool(sources)),), 0.04), "TotalMonthlyIncome": f"{total}.00"}
    insured = dice.pick(_INSURANCES) if dice.chance(0.7) else None
    row |= {name: int(name == insured) for name in _INSURANCES}
    row |= {"InsuranceFromAnySource": int(insured is not None), "NoMedicaidReason": None if insured else dice.coded((1, 2, 3, 4))}
    row |= {"BenefitsFromAnySource": dice.coded((0, 1)), "SNAP": dice.pick((0, 1, 1)), "WIC": dice.pick((0, 0, 0, 1))}
    sheet.add(day, row)


def write_education(book: Workbook, dice: Dice, keys: Keys, person: Person, day: int, stage: int) -> None:
    date = iso(day)
    if day - person.born < 25 * YEAR:
        sheet = book["YouthEducationStatus"]
        attends = dice.coded((0, 1, 2))
        row: Row = {"YouthEducationStatusID": f"Y{sheet.count + 1:07}", **keys, "InformationDate": date}
        row |= {"DataCollectionStage": stage, "CurrentSchoolAttend": attends}
        row |= {"MostRecentEdStatus": dice.coded((0, 1, 2)) if attends == 0 else None, "CurrentEdStatus": 0 if attends in (1, 2) else None}
    else:
        sheet = book["EmploymentEducation"]
        works = dice.coded((0, 0, 1))
        row = {"EmploymentEducationID": f"W{sheet.count + 1:07}", **keys, "InformationDate": date, "DataCollectionStage": stage}
        row |= {"LastGradeCompleted": dice.coded((3, 4, 5, 5, 7, 10)), "Employed": works}
        row |= {
            "EmploymentType": dice.pick((1, 2, 3)) if works == 1 else None,
            "NotEmployedReason": dice.pick((1, 2, 3)) if works == 0 else None,
        }
    sheet.add(day, row)


def write_assessment(book: Workbook, dice: Dice, keys: Keys, day: int) -> None:
    """An assessment, its questions with their answers (free text, as people type it), and two results."""
    own: Row = {"AssessmentID": f"Q{book['Assessment'].count + 1:07}", **keys}
    how: Row = {"AssessmentDate": iso(day), "AssessmentLocation": "front desk", "AssessmentType": dice.between(1, 3)}
    how |= {"AssessmentLevel": dice.between(1, 2), "PrioritizationStatus": dice.between(1, 2)}
    book["Assessment"].add(day, own | how, keep=True)
    for order, question in enumerate(_QUESTIONS, start=1):
        row = own | {"AssessmentQuestionID": f"QQ{book['AssessmentQuestions'].count + 1:07}", "AssessmentQuestionOrder": order}
        row |= {"AssessmentQuestionGroup": "today", "AssessmentQuestion": question, "AssessmentAnswer": text(dice.pick(_ANSWERS))}
        book["AssessmentQuestions"].add(day, row)
    for kind in ("score", "list"):
        row = own | {"AssessmentResultID": f"QR{book['AssessmentResults'].count + 1:07}", "AssessmentResultType": kind}
        book["AssessmentResults"].add(day, row | {"AssessmentResult": str(dice.between(0, 17))})


def write_event(book: Workbook, dice: Dice, keys: Keys, day: int) -> None:
    sheet = book["Event"]
    event = dice.pick((1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 14))
    row: Row = {"EventID": f"R{sheet.count + 1:07}", **keys, "EventDate": iso(day), "Event": event}
    row |= {
        "ProbSolDivRRResult": dice.pick((0, 1)) if event == 2 else None,
        "ReferralResult": dice.pick((1, 1, 2, 3)) if event > 9 else None,
    }
    sheet.add(day, row | {"ResultDate": iso(day) if event > 9 else None})


def service(dice: Dice, person: Person) -> Row:
    """Something other than a bed: what was done, by the list that its record type has."""
    record, kinds = _RECORDS[0] if person.veteran else dice.pick(_RECORDS[1:])
    return {"RecordType": record, "TypeProvided": dice.pick(kinds)}
